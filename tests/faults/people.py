"""People at work over HTTP: each command has a key, and is sent again until it is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from db.engine import Database
from db.queries import members
from db.requests import StartRequest
from db.scope import Scope
from db.starting import start_execution
from domain.playbook.definition import Role, Subject
from runtime.ids import new_id
from runtime.tokens import new_token
from tests import factories
from tests.faults.playbook import DRILL, drill, vigil
from tests.faults.stack import Stack

ACCOUNTS = 30
PATIENCE = 150.0
"""Seconds for which somebody sends the same command again."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a token."""

    person: factories.Person
    token: str

    @property
    def id(self) -> str:
        return str(self.person.id)


@dataclass(slots=True)
class Command:
    """What somebody asked for, and what was answered. `status` 0: never answered."""

    kind: str
    member: str
    key: str
    execution: str = ""
    step: str = ""
    status: int = 0
    code: str = ""
    number: int = -1
    tries: int = 0
    answers: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300


class Crew:
    """An organization whose people work by the API, and the ledger of all they were told."""

    def __init__(self, stack: Stack, org: Scope, carl: Member, cora: Member, dora: Member) -> None:
        self.stack = stack
        self.org = org
        self.carl, self.cora, self.dora = carl, cora, dora
        self.accounts: list[UUID] = []
        self.ledger: list[Command] = []
        self.begun_here: set[str] = set()
        self._numbers = count(1)
        self._http = httpx.AsyncClient(
            base_url=f"{stack.url}/api/v1",
            timeout=httpx.Timeout(15, connect=5),
            limits=httpx.Limits(max_connections=40),
        )

    async def start(self, playbook: str = DRILL, by: Member | None = None) -> str:
        """A new execution, by HTTP; its id."""
        number = next(self._numbers)
        command = Command("started", (by or self.carl).id, f"start-{number}")
        body = {
            "playbook": playbook,
            "account": str(self.accounts[number % len(self.accounts)]),
            "parameters": {"nr": f"n{number}"},
        }
        found = await self._send(by or self.carl, command, "/executions", body)
        assert command.acknowledged, (command, found)
        command.execution = found["execution"]["id"]
        return command.execution

    async def start_before(self, since: timedelta, playbook: str = DRILL) -> str:
        """A new execution that began `since` ago, by the clock port; told by the relay alone."""
        number = next(self._numbers)
        account = self.accounts[number % len(self.accounts)]
        request = StartRequest(
            new_id(), playbook, Subject.account, account, account, None, {"nr": f"n{number}"}
        )
        database = Database(self.stack.app_url, pool_size=1)
        try:
            async with database.transaction(self.carl.person.scope) as session:
                actor = self.carl.person.actor
                await start_execution(session, request, actor, clock=lambda at: at - since)
        finally:
            await database.close()
        self.begun_here.add(str(request.id))
        return str(request.id)

    async def complete(
        self, execution: str, step: str, by: Member | None = None, *, patience: float = PATIENCE
    ) -> Command:
        """Complete a step; what was answered."""
        return await self._on_step("step_completed", "complete", execution, step, by, {}, patience)

    async def reassign(self, execution: str, step: str, to: Member) -> Command:
        """Give a step to somebody else."""
        body = {"to": to.id}
        return await self._on_step("reassigned", "reassign", execution, step, None, body, PATIENCE)

    async def steer(self, execution: str, what: str) -> Command:
        """Pause, resume or cancel."""
        kind = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[what]
        command = Command(kind, self.carl.id, self._key(), execution)
        await self._send(self.carl, command, f"/executions/{execution}/{what}", {})
        return command

    async def close(self) -> None:
        await self._http.aclose()

    async def _on_step(
        self,
        kind: str,
        verb: str,
        execution: str,
        step: str,
        by: Member | None,
        body: dict[str, Any],
        patience: float,
    ) -> Command:
        who = by or self.carl
        command = Command(kind, who.id, self._key(), execution, step)
        path = f"/executions/{execution}/steps/{step}/{verb}"
        await self._send(who, command, path, body, patience)
        return command

    def _key(self) -> str:
        return f"key-{next(self._numbers)}"

    async def _send(
        self,
        who: Member,
        command: Command,
        path: str,
        body: dict[str, Any],
        patience: float = PATIENCE,
    ) -> dict[str, Any]:
        """Send until there is an answer that is neither silence nor 503."""
        self.ledger.append(command)
        headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": command.key}
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while True:
            command.tries += 1
            try:
                answer = await self._http.post(path, json=body, headers=headers)
            except httpx.TransportError as error:
                command.answers.append(type(error).__name__)
            else:
                found: dict[str, Any] = answer.json()
                code = str(found.get("code", ""))
                command.answers.append(f"{answer.status_code} {code}")
                if answer.status_code < 500:
                    command.status, command.code = answer.status_code, code
                    command.number = found.get("execution", {}).get("number", -1)
                    return found
            if loop.time() > until:
                return {}
            await asyncio.sleep(min(0.2 * command.tries, 1.0))


async def crew(stack: Stack) -> Crew:
    """An organization with two CSMs, a director, accounts and the suite's playbooks."""
    database = Database(stack.app_url, pool_size=2)
    try:
        org = await factories.organization(database)
        dora = await factories.person(database, org, Role.director, name="dora")
        carl = await factories.person(database, org, Role.csm, name="carl", manager=dora)
        cora = await factories.person(database, org, Role.csm, name="cora", manager=dora)
        people = [await _with_token(database, org, one) for one in (carl, cora, dora)]
        made = Crew(stack, org, *people)
        for number in range(ACCOUNTS):
            team = {Role.csm: carl, Role.director: dora}
            made.accounts.append(
                await factories.account(database, org, f"Account {number}", team=team)
            )
        for definition in (drill(), vigil()):
            await factories.published(database, dora, definition)
    finally:
        await database.close()
    return made


async def _with_token(database: Database, org: Scope, person: factories.Person) -> Member:
    fresh = new_token()
    async with database.transaction(org) as session:
        await members.add_token(
            session,
            new_id(),
            person.id,
            name="fault suite",
            prefix=fresh.prefix,
            sha256=fresh.sha256,
        )
    return Member(person, fresh.text)
