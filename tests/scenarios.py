"""A small world that tests of deliveries and of whole lives begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from db.engine import Database
from db.requests import Applied, StartRequest
from db.scope import Scope
from db.starting import start_execution
from db.transitions import apply_event, hold
from domain.playbook.definition import (
    Anchor,
    Definition,
    Duration,
    Exit,
    Ladder,
    LadderLevel,
    OutcomeKind,
    Outgoing,
    Phase,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepKind,
    Subject,
    TimeSpec,
    Unit,
)
from domain.playbook.events import Body, Event
from runtime.ids import new_id
from tests import factories


def one_call(key: str = "one-call") -> Definition:
    """One step, due after a minute; the director hears of it at once when it is missed."""
    ladder = Ladder(
        "calls",
        (LadderLevel(Duration(0, Unit.minute), (Recipient(RecipientKind.role, Role.director),)),),
        Duration(4, Unit.hour),
    )
    call = Step(
        "call",
        "Call the customer",
        StepKind.task,
        Role.csm,
        required=True,
        due=TimeSpec(Duration(1, Unit.minute), Anchor.opening),
    )
    return Definition(
        key,
        "One call",
        Subject.account,
        Role.csm,
        "Call.",
        (Phase("only", "Only", (call,)),),
        (Exit(OutcomeKind.success, "called", None, ("call",)),),
        (ladder,),
        "calls",
    )


def one_event(key: str = "one-event") -> Definition:
    """One webhook whose result the playbook waits for."""
    send = Step(
        "send",
        "Tell the other system",
        StepKind.webhook,
        Role.csm,
        outgoing=Outgoing("account.rescued", waits_for_result=True),
    )
    return Definition(
        key,
        "One event",
        Subject.account,
        Role.csm,
        "Send.",
        (Phase("only", "Only", (send,)),),
        (Exit(OutcomeKind.success, "sent", None, ("send",)),),
    )


@dataclass(slots=True)
class World:
    """An organization with a CSM, a director and an account."""

    db: Database
    org: Scope
    director: factories.Person
    csm: factories.Person
    account: UUID

    async def start(self, playbook: str = "one-call", since: timedelta = timedelta()) -> Applied:
        """An execution that began `since` ago."""
        request = StartRequest(
            id=new_id(),
            playbook=playbook,
            subject_kind=Subject.account,
            subject=self.account,
            account=self.account,
            contact=None,
        )
        async with self.db.transaction(self.csm.scope) as session:
            return await start_execution(
                session, request, self.csm.actor, clock=lambda at: at - since
            )

    async def apply(self, execution: UUID, body: Body, event_id: str | None = None) -> Applied:
        """An event by the CSM."""
        event = Event(event_id or f"test:{new_id()}", body, self.csm.actor)
        async with self.db.transaction(self.csm.scope) as session:
            return await apply_event(session, await hold(session, execution, event.id), event)


async def world(db: Database, *definitions: Definition) -> World:
    """With the given playbooks enabled."""
    org = await factories.organization(db)
    director = await factories.person(db, org, Role.director, name="dora")
    csm = await factories.person(db, org, Role.csm, name="carl", manager=director)
    account = await factories.account(db, org, team={Role.csm: csm, Role.director: director})
    for definition in definitions:
        await factories.published(db, director, definition)
    return World(db, org, director, csm, account)
