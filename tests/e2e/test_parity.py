"""What the simulator says of a playbook is what the engine does: one script on both.

The engine is PostgreSQL, Temporal with skipped time, and a worker composed as in production.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from db.engine import Database
from db.models.calendars import Calendar
from db.models.contacts import Contact
from db.models.webhook_endpoints import WebhookEndpoint
from db.rederiving import rederive_execution
from db.requests import StartRequest
from domain.playbook.codec import command_to_json, event_from_json, event_to_json
from domain.playbook.definition import Definition, Role, Subject, Value
from domain.playbook.events import DeliveryEnded, Event, Started
from domain.playbook.state import StepStatus
from domain.simulate import EndedBy, Line, Simulation, simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_script import Action, Do, People, Script
from playbooks.library import shipped, shipped_keys
from runtime.ids import new_id
from tests import factories
from tests.e2e.stage import Life, Stage, staged
from tests.http_receiver import Receiver, receiver
from tests.smtp import mailbox
from tests.temporal import SkippingTemporal, skipping_temporal

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

START = datetime(2035, 3, 5, 8, 30, tzinfo=UTC)
"""A Monday to come, in Berlin half past nine."""

FIELDS: dict[str, Value] = {
    "account.stage": "customer",
    "account.tier": "high_value",
    "account.arr": 96000,
    "account.renewal_date": "2035-06-18",
    "health.score": 60,
    "nps.last_score": 4,
}


def at(day: int, clock: str, do: Do, step: str | None = None, **more: Any) -> Action:
    return Action(f"day {day} {clock}", do, step, **more)


def recovers(day: int) -> Action:
    return at(day, "12:00", Do.fields, fields={"health.score": 78})


AT_RISK = Script(
    (
        at(1, "10:00", Do.snooze, "review-history", until="+3 hours"),
        at(1, "11:00", Do.snooze, "set-cadence", until="+1 hour"),  # refused: it is not open
        at(2, "10:00", Do.wait, "analyse-usage", until="+2 days", reason="holiday"),
        at(3, "10:00", Do.end_wait, "analyse-usage"),
        at(3, "11:00", Do.reassign, "review-tickets", to=Role.account_manager),
        at(10, "14:00", Do.acknowledge, "outreach"),  # breached an hour before
        at(12, "15:00", Do.complete, "outreach"),
        at(17, "10:00", Do.pause),
        at(17, "11:00", Do.complete, "discovery-call"),  # refused: paused
        at(18, "10:00", Do.resume),
        at(20, "16:00", Do.complete, "discovery-call", occurred="-2 days"),
        at(27, "09:30", Do.fact, fact="touch.meeting"),
        at(33, "10:00", Do.team, role=Role.csm, to=Role.account_manager),
        recovers(50),
    ),
    choices={"choose-resources": "several"},
)
CRITICAL = Script((at(1, "10:00", Do.snooze, "acknowledge", until="+30 minutes"),))
SCRIPTS = {
    "at-risk-intervention": AT_RISK,
    "critical-alert": CRITICAL,
    "detractor-response": Script(people=People.late),
    "expansion": Script((at(4, "09:30", Do.fact, fact="touch.call"),)),
    "hand-over": Script((at(3, "11:00", Do.accept, "accept"),)),
}
SECRET = "whsec_c2VjcmV0LWZvci10ZXN0cy1vbmx5"

LATE_ALERT = "payment"
"""The alert that nobody hurries for, so that its ladders are climbed."""

CASES = [
    *((key, {}) for key in shipped_keys() if key not in ("critical-alert", "hand-over")),
    *(
        ("critical-alert", {"alert": alert})
        for alert in shipped()["critical-alert"].definition.allowed_codes("alert") or ()
    ),
    ("hand-over", {"role": "csm", "giver": "csm", "receiver": "account_manager"}),
]


@dataclass(slots=True)
class House:
    """An organization in Berlin with one member for each role, an account and its contact."""

    team: dict[Role, factories.Person]
    request: StartRequest

    def members(self, name: str) -> str:
        """The member whom a script names by role."""
        return str(self.team[Role(name)].id)


async def house(db: Database, definition: Definition, parameters: dict[str, str]) -> House:
    org = await factories.organization(db)
    team = {role: await factories.person(db, org, role) for role in Role}
    account = await factories.account(db, org, team=team, fields=FIELDS)
    contact = new_id()
    hours = [{"weekday": day, "opens": 9 * 60, "closes": 17 * 60} for day in range(5)]
    async with db.transaction(org) as session:
        session.add(
            Calendar(
                org_id=org.org,
                key="berlin",
                is_default=True,
                timezone="Europe/Berlin",
                country="DE",
                hours=hours,
            )
        )
        session.add(
            Contact(
                org_id=org.org,
                id=contact,
                account_id=account,
                name="Ada",
                email="ada@customer.test",
            )
        )
    await factories.published(db, team[Role.director], definition)
    for_contact = definition.subject is Subject.contact
    given = {
        name: str(team[Role(value)].id) if name in ("giver", "receiver") else value
        for name, value in parameters.items()
    }
    request = StartRequest(
        id=new_id(),
        playbook=definition.key,
        subject_kind=definition.subject,
        subject=contact if for_contact else account,
        account=account,
        contact=contact if for_contact else None,
        parameters=given,
    )
    return House(team, request)


async def live(
    life: Life, told: House, definition: Definition, script: Script, crm: Receiver
) -> Simulation:
    """Do on the engine what the simulation does, and return what the simulation was in the end.

    Only the instant at which a delivery ends is the engine's own to say: the simulation is told
    of it, once everything else of the instant that caused it is done.
    """
    first = (await life.transitions())[0]
    begun = event_from_json(first.event).body
    assert isinstance(begun, Started)
    subject = SimulatedSubject(
        begun.fields,
        {role: str(person.id) for role, person in told.team.items()},
        begun.calendar,
        begun.parameters,
        begun.fields_version,
    )
    said = simulate(definition, subject, first.at, script)
    done, sending, since = 1, "", first.at
    crm.gate.clear()
    while done < len(said.lines):
        line = said.lines[done]
        if sending and line.at > since:
            crm.gate.set()
            script = replace(script, actions=(*script.actions, await delivery(life, sending)))
            said, sending = simulate(definition, subject, first.at, script), ""
            crm.gate.clear()
            continue
        done += 1
        if line.event.id.startswith("deadline:") or isinstance(line.event.body, DeliveryEnded):
            continue
        applied = await life.apply(line.event, line.at)
        assert (applied.refusal.code if applied.refusal else None) == line.refused, line
        for step in applied.state.steps:
            if step.status is StepStatus.sending and not script.delivers(step.key, step.occurrence):
                sending, since = step.key, line.at
    crm.gate.set()
    await life.reach(said.state.last_at)
    return said


async def delivery(life: Life, step: str) -> Action:
    """How the engine's delivery ended, as an action of a script."""
    async with asyncio.timeout(30):
        while True:
            for made in await life.transitions():
                body = event_from_json(made.event).body
                if isinstance(body, DeliveryEnded) and body.step == step:
                    do = Do.delivered if body.delivered else Do.undelivered
                    return Action(made.at.isoformat(), do, step)
            await asyncio.sleep(0.02)


def named(event: Event) -> dict[str, Any]:
    """An event as JSON; starts and deliveries have ids of their own on each side."""
    free = isinstance(event.body, Started | DeliveryEnded)
    return event_to_json(replace(event, id="") if free else event)


def as_said(line: Line) -> tuple[Any, ...]:
    commands = [command_to_json(said.command) for said in line.said]
    return line.number, line.at, named(line.event), commands, line.late


@pytest.fixture(scope="module")
async def temporal(anyio_backend: str) -> AsyncIterator[SkippingTemporal]:
    async with skipping_temporal() as server:
        yield server


@pytest.fixture
async def stage(temporal: SkippingTemporal, db: Database) -> AsyncIterator[Stage]:
    with mailbox() as box:
        async with staged(temporal, db, box.settings) as found:
            yield found


@pytest.mark.parametrize(
    ("key", "parameters"),
    [pytest.param(*case, id="-".join((case[0], *list(case[1].values())[:1]))) for case in CASES],
)
async def test_the_engine_does_what_the_simulator_says(
    stage: Stage, key: str, parameters: dict[str, str]
) -> None:
    definition = shipped()[key].definition
    told = await house(stage.database, definition, parameters)
    script = SCRIPTS[key]
    if parameters.get("alert") == LATE_ALERT:
        script = replace(script, people=People.late)
    script = replace(
        script,
        actions=tuple(
            replace(action, to=told.members(action.to)) if action.to else action
            for action in script.actions
        ),
    )
    with receiver() as crm:
        async with stage.database.transaction(told.team[Role.admin].scope) as session:
            session.add(
                WebhookEndpoint(
                    org_id=told.team[Role.admin].scope.org, id=new_id(), url=crm.url, secret=SECRET
                )
            )
        life = await stage.begin(told.request, told.team[definition.owner], START)
        said = await live(life, told, definition, script, crm)
        closed = await life.closed()

    made = await life.transitions()
    lines = [line for line in said.lines if line.number is not None]
    assert [
        (m.number, m.at, named(event_from_json(m.event)), list(m.commands), m.late) for m in made
    ] == [as_said(line) for line in lines]
    assert not any(m.late for m in made)
    assert await life.state() == said.state
    assert said.ended_by is EndedBy.outcome
    assert closed.number == said.state.number == len(made) - 1

    async with stage.database.reading(life.scope) as session:
        again = await rederive_execution(session, life.execution)
    assert (again.disagreement, again.agreed) == (None, len(made))
