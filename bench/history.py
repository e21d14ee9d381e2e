"""History events per human step of an eight-week at-risk run, reminders and deliveries included.

On the real server with skipped time, on the stage that the end-to-end tests play on: our composed
worker, PostgreSQL, an SMTP server. People follow a script; the machine's own simulation of it says
which events they cause and when.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from db import migrate, roles
from db.engine import Database
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.executions import Execution
from db.requests import StartRequest
from db.scope import Scope
from domain.playbook.codec import event_from_json
from domain.playbook.definition import Role, Subject, Value
from domain.playbook.events import HandOffDecided, Started, StepCompleted
from domain.simulate import simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_script import Action, Do, Script
from playbooks.library import shipped
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.ids import new_id
from tests import factories
from tests.e2e.stage import staged
from tests.smtp import mailbox
from tests.temporal import skipping_temporal

PLAYBOOK = "at-risk-intervention"
START = datetime(2035, 3, 5, 10, tzinfo=UTC)
"""A Monday to come, in working hours, so that a stored clock is never behind it."""

SCRIPT = Script(
    actions=(
        # Due after two business days: its reminder goes out, it is missed, two levels fire.
        Action("+28 business hours", Do.complete, "review-history"),
        # Done on their last day, after their reminders.
        Action("day 7 10:00", Do.complete, "analyse-usage"),
        Action("day 7 11:00", Do.complete, "review-tickets"),
        Action("day 9 11:00", Do.complete, "outreach"),
        Action("day 50 10:00", Do.fields, fields={"health.score": 74}),
        Action("day 54 11:00", Do.complete, "confirm-recovery"),
    ),
    choices={"choose-resources": "technical"},
)


class NotWhatWasMeant(RuntimeError):
    """The run lacked what the figure has to include."""


async def measure(directory: Path) -> dict[str, float]:
    """Counts of one run, and the figure made of them."""
    with EmbeddedPostgres(directory / "postgres") as postgres, mailbox() as box:
        postgres.ensure_database("holdfast")
        roles.bootstrap(postgres.url("holdfast"), secrets.token_urlsafe(16))
        migrate.upgrade(postgres.url("holdfast"))
        database = Database(postgres.url("holdfast", user="holdfast_app"))
        try:
            async with (
                skipping_temporal() as temporal,
                staged(temporal, database, box.settings) as stage,
            ):
                org = await factories.organization(database)
                director = await factories.person(database, org, Role.director)
                team = {Role.director: director} | {
                    role: await factories.person(database, org, role, manager=director)
                    for role in (Role.csm, Role.support, Role.executive)
                }
                fields: dict[str, Value] = {"account.stage": "customer", "health.score": 60}
                account = await factories.account(database, org, team=team, fields=fields)
                definition = shipped()[PLAYBOOK].definition
                await factories.published(database, director, definition)
                request = StartRequest(new_id(), PLAYBOOK, Subject.account, account, account, None)
                life = await stage.begin(request, team[Role.csm], START)
                first = (await life.transitions())[0]
                started = event_from_json(first.event).body
                assert isinstance(started, Started)
                foreseen = simulate(
                    definition,
                    SimulatedSubject(
                        started.fields,
                        {role: str(person.id) for role, person in team.items()},
                        started.calendar,
                        started.parameters,
                    ),
                    first.at,
                    SCRIPT,
                )
                steps = 0
                for line in foreseen.lines[1:]:
                    if line.event.id.startswith("deadline:"):
                        continue
                    applied = await life.apply(line.event, line.at)
                    if applied.refusal is not None:
                        raise applied.refusal
                    steps += isinstance(line.event.body, StepCompleted | HandOffDecided)
                await life.reach(foreseen.lines[-1].at)
                await life.closed()
                events = len((await life.workflow.fetch_history()).events)
                counted = await _counted(database, life.scope, life.execution)
        finally:
            await database.close()
    found = {
        "events": float(events),
        "human_steps": float(steps),
        "mails": float(len(box.mails)),
        **counted,
        "weeks": (foreseen.lines[-1].at - START).total_seconds() / 604_800,
        "events_per_human_step": events / steps,
    }
    if counted["escalations"] < 2 or not box.mails or found["weeks"] < 7:
        raise NotWhatWasMeant(f"the run had {found}")
    return found


async def _counted(database: Database, scope: Scope, execution: UUID) -> dict[str, float]:
    async with database.reading(scope) as session:
        stored = await session.get(Execution, execution)
        assert stored is not None
        if stored.status != "ended":
            raise NotWhatWasMeant("the execution did not end")
        escalations = await session.scalar(select(func.count()).select_from(Escalation))
        reminders = await session.scalar(
            select(func.count()).where(Delivery.template == "reminder")
        )
        return {
            "transitions": float(stored.number + 1),
            "escalations": float(escalations or 0),
            "reminders": float(reminders or 0),
        }
