"""`holdfast deliveries`: what left the house, what was given up, and sending that again."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from commands.output import AsJson, fails_plainly, show, table
from commands.remote import Remote

deliveries = typer.Typer(no_args_is_help=True, help="Messages that leave the house.")


@deliveries.command("list")
@fails_plainly
def list_deliveries(
    status: Annotated[
        str | None, typer.Option(help="pending, claimed, delivered, dead or withdrawn.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first; dead letters with --status dead."""
    found = list(islice(Remote().pages("/deliveries", status=status), limit))
    columns = ("id", "status", "channel", "template", "step", "attempts", "last_error")
    show(found, table(found, columns), as_json=as_json)


@deliveries.command("redeliver")
@fails_plainly
def redeliver(
    delivery: Annotated[str, typer.Argument(help="The id of a dead letter.")],
    as_json: AsJson = False,
) -> None:
    """Put a dead letter back, so that a worker sends it."""
    answer = Remote().post(f"/deliveries/{delivery}/redeliver", {})
    show(answer, f"Delivery {delivery} is {answer['status']} again.", as_json=as_json)
