"""`holdfast execution`: start, show and list executions of a running installation."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from commands.output import AsJson, fails_plainly, show, table
from commands.remote import Remote
from domain.errors import Invalid

execution = typer.Typer(no_args_is_help=True, help="Executions of playbooks.")


@execution.command("start")
@fails_plainly
def start(
    playbook: Annotated[str, typer.Argument(help="The playbook's key.")],
    account: Annotated[
        list[str] | None, typer.Option(help="The account's id; repeat it to start for many.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="The contact's id.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="KEY=VALUE; repeatable.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in words.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same again starts nothing new.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a playbook for an account or many, a contact or the organization."""
    accounts = account or []
    parameters = dict(_pair(given) for given in parameter or [])
    body: dict[str, Any] = {"playbook": playbook, "parameters": parameters}
    if reason is not None:
        body["reason"] = reason
    remote = Remote()
    if len(accounts) > 1 and contact is None:
        many = remote.post("/executions/bulk", body | {"accounts": accounts}, key=key)
        columns = ("account", "started", "execution", "code", "detail")
        show(many, table(many["results"], columns), as_json=as_json)
        return
    if len(accounts) > 1:
        raise Invalid("Name accounts or a contact, not both.", code="one_subject")
    named = {"account": accounts[0] if accounts else None, "contact": contact}
    body |= {name: value for name, value in named.items() if value is not None}
    answer = remote.post("/executions", body, key=key)
    found = remote.get(f"/executions/{answer['execution']['id']}")
    show(answer, _described(found), as_json=as_json)


@execution.command("show")
@fails_plainly
def show_one(
    execution: Annotated[str, typer.Argument(help="The execution's id.")], as_json: AsJson = False
) -> None:
    """Show an execution with its steps."""
    found = Remote().get(f"/executions/{execution}")
    show(found, _described(found), as_json=as_json)


@execution.command("list")
@fails_plainly
def list_executions(
    status: Annotated[str | None, typer.Option(help="active, paused or ended.")] = None,
    playbook: Annotated[str | None, typer.Option(help="Of one playbook.")] = None,
    account: Annotated[str | None, typer.Option(help="Of one account.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List executions, the last started first."""
    found = list(
        islice(
            Remote().pages("/executions", status=status, playbook=playbook, account=account), limit
        )
    )
    columns = ("id", "playbook", "status", "account_name", "started_at", "next_deadline", "outcome")
    show(found, table([_timed(row) for row in found], columns), as_json=as_json)


def _described(execution: dict[str, Any]) -> str:
    facts = [
        f"{execution['playbook_name']} ({execution['playbook']}, version {execution['version']})",
        f"  id             {execution['id']}",
        f"  subject        {execution['account_name'] or execution['subject_kind']}",
        f"  status         {execution['status']}"
        + (
            f", {execution['outcome']}: {execution['outcome_code']}" if execution["outcome"] else ""
        ),
        f"  started        {_minute(execution['started_at'])}",
        f"  next deadline  {_minute(execution['next_deadline']) or 'none'}",
        "",
    ]
    columns = ("step", "occurrence", "status", "owner", "due_at", "title")
    return "\n".join(facts) + table([_timed(step) for step in execution["steps"]], columns)


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _minute(value) if name.endswith(("_at", "_deadline")) else value
        for name, value in row.items()
    }


def _minute(instant: str | None) -> str:
    if instant is None:
        return ""
    return datetime.fromisoformat(instant).strftime("%Y-%m-%d %H:%M UTC")


def _pair(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator or not name:
        raise Invalid(
            f"--parameter {given} is not of the form KEY=VALUE.", code="parameter_malformed"
        )
    return name, value
