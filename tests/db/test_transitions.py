"""The one function that makes transitions, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select

from db.engine import Database
from db.models.audit_entries import AuditEntry
from db.models.base import Base
from db.models.calendars import Calendar
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.notifications import Notification
from db.models.relay import RelayRow
from db.models.steps import Step as StepRow
from db.models.transitions import Transition
from db.queries.clock import database_now
from db.queries.inbox import Viewer, list_inbox
from db.requests import Applied, Clock, NewWords, StartRequest
from db.starting import start_execution
from db.transitions import apply_event, hold, settle_due
from domain.errors import Conflict
from domain.playbook.definition import (
    Anchor,
    Compare,
    Definition,
    Duration,
    Exit,
    Ladder,
    LadderLevel,
    Op,
    OutcomeKind,
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
from domain.playbook.events import Acknowledged, Event, StepCompleted
from domain.playbook.telling import Settlement
from runtime.ids import new_id
from tests import factories

pytestmark = pytest.mark.anyio
Row = TypeVar("Row", bound=Base)


def hours(amount: int) -> Duration:
    return Duration(amount, Unit.hour)


def two_calls(key: str = "two-calls", suspends: tuple[str, ...] = ()) -> Definition:
    """Call within two days, then check; the director hears of a missed call at once."""
    ladder = Ladder(
        "calls",
        (
            LadderLevel(hours(0), (Recipient(RecipientKind.role, Role.director),)),
            LadderLevel(hours(24), (Recipient(RecipientKind.manager),)),
        ),
        hours(4),
    )
    call = Step(
        "call",
        "Call the customer",
        StepKind.task,
        Role.csm,
        required=True,
        due=TimeSpec(hours(48), Anchor.opening),
        reminders=(hours(24),),
    )
    check = Step("check", "Check the result", StepKind.task, Role.csm, after=("call",))
    return Definition(
        key,
        "Two calls",
        Subject.account,
        Role.csm,
        "Call, then check.",
        (Phase("only", "Only", (call, check)),),
        (
            Exit(
                OutcomeKind.success,
                "recovered",
                Compare("health.score", Op.above, 70),
                ("check",),
            ),
        ),
        (ladder,),
        "calls",
        suspends=suspends,
        reads=("health.score",),
    )


class World:
    """An organization with a CSM, a director and an account, and a clock that a test turns."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.ahead = timedelta()

    async def begin(self, *definitions: Definition) -> World:
        org = await factories.organization(self.db)
        self.org = org
        self.director = await factories.person(self.db, org, Role.director)
        self.csm = await factories.person(self.db, org, Role.csm, manager=self.director)
        team = {Role.csm: self.csm, Role.director: self.director}
        self.account = await factories.account(self.db, org, team=team, fields={"health.score": 60})
        for definition in definitions or (two_calls(),):
            await factories.published(self.db, self.director, definition)
        return self

    @property
    def clock(self) -> Clock:
        ahead = self.ahead
        return lambda at: at + ahead

    def request(self, playbook: str = "two-calls", **changes: object) -> StartRequest:
        values: dict[str, object] = {
            "id": new_id(),
            "playbook": playbook,
            "subject_kind": Subject.account,
            "subject": self.account,
            "account": self.account,
            "contact": None,
            **changes,
        }
        return StartRequest(**values)  # type: ignore[arg-type]

    async def start(self, request: StartRequest | None = None) -> Applied:
        async with self.db.transaction(self.csm.scope) as session:
            return await start_execution(
                session, request or self.request(), self.csm.actor, clock=self.clock
            )

    async def complete(
        self, execution: UUID, step: str, event_id: str, by: factories.Person | None = None
    ) -> Applied:
        person = by or self.csm
        words = NewWords(new_id(), "note", "She sounded relieved.")
        async with self.db.transaction(person.scope) as session:
            return await apply_event(
                session,
                await hold(session, execution, event_id, clock=self.clock),
                Event(event_id, StepCompleted(step), person.actor),
                words=[words],
            )

    async def settle(self, execution: UUID, known: int = -1) -> Settlement:
        async with self.db.transaction(self.org) as session:
            return await settle_due(session, execution, known, clock=self.clock)

    async def inbox(self, person: factories.Person) -> list[tuple[str, str | None]]:
        roles = tuple(role.value for role in person.roles)
        async with self.db.reading(person.scope) as session:
            now = self.clock(await database_now(session))
            viewer = Viewer(person.id, roles, ())
            found = await list_inbox(session, self.org.org, viewer, now, None, None, 50)
        return [(item.kind, item.step) for item in found]

    async def rows(self, entity: type[Row], *order: Any) -> Sequence[Row]:
        async with self.db.reading(self.org) as session:
            found = await session.scalars(select(entity).order_by(*order))
            return found.all()


@pytest.fixture
async def world(db: Database) -> World:
    return await World(db).begin()


class TestStarting:
    async def test_first_step_is_in_the_inbox_at_once(self, world: World) -> None:
        started = await world.start()
        steps = await world.rows(StepRow)
        assert [(s.step, s.status, s.assignee_id) for s in steps] == [
            ("call", "open", world.csm.id)
        ]
        assert started.number == 0
        assert started.told[0].next_deadline == started.state.steps[0].due_at - timedelta(hours=24)  # type: ignore[operator]

    async def test_the_same_request_twice_is_one_execution(self, world: World) -> None:
        request = world.request()
        first = await world.start(request)
        second = await world.start(request)
        assert second.repeated and second.execution == first.execution
        assert len(await world.rows(StepRow)) == 1

    async def test_a_second_start_is_told_of_the_first(self, world: World) -> None:
        first = await world.start()
        with pytest.raises(Conflict) as refused:
            await world.start()
        assert refused.value.code == "execution_open"
        assert refused.value.details["execution"] == str(first.execution)

    async def test_two_at_once_make_one(self, world: World) -> None:
        results = await asyncio.gather(*(world.start() for _ in range(8)), return_exceptions=True)
        assert len([r for r in results if isinstance(r, Applied)]) == 1
        assert len([r for r in results if isinstance(r, Conflict)]) == 7


class TestCommands:
    async def test_the_next_step_opens_in_the_same_transaction(self, world: World) -> None:
        started = await world.start()
        done = await world.complete(started.execution, "call", "e1")
        assert done.refusal is None
        steps = await world.rows(StepRow, StepRow.step)
        assert [(s.step, s.status) for s in steps] == [("call", "completed"), ("check", "open")]

    async def test_the_same_event_id_repeats_its_answer(self, world: World) -> None:
        started = await world.start()
        first = await world.complete(started.execution, "call", "e1")
        again = await world.complete(started.execution, "call", "e1")
        assert again.repeated and again.number == first.number
        assert len(await world.rows(Transition)) == 2

    async def test_another_command_under_the_same_id_is_a_conflict(self, world: World) -> None:
        started = await world.start()
        await world.complete(started.execution, "call", "e1")
        with pytest.raises(Conflict) as refused:
            await world.complete(started.execution, "check", "e1")
        assert refused.value.code == "event_id_reused"

    async def test_a_refusal_is_kept_and_audited_and_changes_nothing(self, world: World) -> None:
        started = await world.start()
        refused = await world.complete(started.execution, "check", "early")
        again = await world.complete(started.execution, "check", "early")
        assert refused.refusal is not None and refused.refusal.code == "step_not_open"
        assert again.repeated and again.refusal is not None
        assert again.refusal.code == "step_not_open"
        audit = await world.rows(AuditEntry, AuditEntry.recorded_at)
        assert [(a.action, a.outcome) for a in audit] == [
            ("started", "done"),
            ("step_completed", "refused"),
        ]
        assert len(await world.rows(Transition)) == 1

    async def test_two_people_at_once_one_wins(self, world: World) -> None:
        started = await world.start()
        answers = await asyncio.gather(
            world.complete(started.execution, "call", "a"),
            world.complete(started.execution, "call", "b", by=world.director),
        )
        codes = sorted(a.refusal.code if a.refusal else "done" for a in answers)
        assert codes == ["done", "step_closed"]
        numbers = [t.number for t in await world.rows(Transition, Transition.number)]
        assert numbers == [0, 1]


class TestDeadlines:
    async def test_nothing_due_says_not_before(self, world: World) -> None:
        started = await world.start()
        settlement = await world.settle(started.execution)
        assert settlement.not_before == settlement.next_deadline
        assert [t.number for t in settlement.news] == [0]

    async def test_breach_and_ladder_fire_once_and_late(self, world: World) -> None:
        started = await world.start()
        world.ahead = timedelta(hours=49)
        first, second = await asyncio.gather(
            world.settle(started.execution, 0), world.settle(started.execution, 0)
        )
        assert [t.event_id for t in first.news] == [t.event_id for t in second.news]
        escalations = await world.rows(Escalation)
        assert [(e.level, e.late, e.tell) for e in escalations] == [
            (1, True, [str(world.director.id)])
        ]
        mails = [d for d in await world.rows(Delivery) if d.template == "escalation"]
        assert [(d.recipient_id, d.carrier) for d in mails] == [(world.director.id, "workflow")]
        told = [n for n in await world.rows(Notification) if n.code == "escalation"]
        assert [n.member_id for n in told] == [world.director.id]

    async def test_a_late_completion_is_a_breach_and_a_completion(self, world: World) -> None:
        started = await world.start()
        world.ahead = timedelta(hours=48, minutes=5)
        done = await world.complete(started.execution, "call", "late")
        assert [t.event for t in done.told] == [
            "deadline_passed",
            "deadline_passed",
            "deadline_passed",
            "step_completed",
        ]
        call = next(s for s in await world.rows(StepRow) if s.step == "call")
        assert call.breached_at == call.due_at and call.status == "completed"
        assert [d for d in await world.rows(Delivery) if d.template == "escalation"] == []


class TestAcknowledging:
    async def test_an_escalation_stays_in_the_inbox_until_somebody_answers(
        self, world: World
    ) -> None:
        started = await world.start()
        world.ahead = timedelta(hours=49)
        await world.settle(started.execution)
        assert await world.inbox(world.director) == [("escalation", "call")]
        assert await world.inbox(world.csm) == [("step", "call")]
        async with world.db.transaction(world.director.scope) as session:
            event = Event("seen", Acknowledged("call"), world.director.actor)
            held = await hold(session, started.execution, event.id, clock=world.clock)
            await apply_event(session, held, event)
        assert await world.inbox(world.director) == []
        (escalation,) = await world.rows(Escalation)
        assert escalation.acknowledged_by == world.director.id


class TestOtherExecutions:
    async def test_a_suspending_playbook_pauses_and_resumes_the_other(self, db: Database) -> None:
        world = await World(db).begin(two_calls("growth"), two_calls("rescue", ("growth",)))
        growth = await world.start(world.request("growth"))
        rescue = await world.start(world.request("rescue"))
        assert rescue.others == (growth.execution,)
        refused = await world.complete(growth.execution, "call", "g1")
        assert refused.refusal is not None and refused.refusal.code == "execution_paused"
        await world.complete(rescue.execution, "call", "r1")
        await world.complete(rescue.execution, "check", "r2")
        allowed = await world.complete(growth.execution, "call", "g2")
        assert allowed.refusal is None

    async def test_all_or_nothing_when_the_transaction_fails(self, world: World) -> None:
        started = await world.start()
        with pytest.raises(RuntimeError):
            async with world.db.transaction(world.csm.scope) as session:
                held = await hold(session, started.execution, "x")
                await apply_event(session, held, Event("x", StepCompleted("call"), world.csm.actor))
                raise RuntimeError("the process dies before the commit")
        assert len(await world.rows(Transition)) == 1
        assert len(await world.rows(RelayRow)) == 1


def by_business_days() -> Definition:
    """The second call is due by business time, so that it needs a calendar that reaches it."""
    plain = two_calls()
    call, check = plain.phases[0].steps
    due = TimeSpec(Duration(2, Unit.business_day), Anchor.opening)
    return replace(plain, phases=(Phase("only", "Only", (call, replace(check, due=due))),))


class TestCalendars:
    @pytest.fixture
    async def house(self, db: Database) -> World:
        """An organization with a calendar of its own, which ends 800 days after a start."""
        world = await World(db).begin(by_business_days())
        hours = [{"weekday": day, "opens": 540, "closes": 1020} for day in range(5)]
        async with db.transaction(world.org) as session:
            session.add(
                Calendar(
                    org_id=world.org.org,
                    key="house",
                    is_default=True,
                    timezone="Europe/Berlin",
                    country="DE",
                    hours=hours,
                )
            )
        return world

    async def test_with_less_than_200_days_left_a_fresh_one_comes_first(self, house: World) -> None:
        started = await house.start()
        horizon = started.state.calendar.horizon
        house.ahead = timedelta(days=610)
        done = await house.complete(started.execution, "call", "e1")
        await house.complete(started.execution, "check", "e2")
        made = [t for t in await house.rows(Transition, Transition.number) if t.number]
        assert [t.kind for t in made if t.kind != "deadline_passed"] == [
            "calendar_changed",
            "step_completed",
            "step_completed",
        ]
        assert [t.event_id for t in made if t.kind == "calendar_changed"] == [
            f"calendar:{horizon:%Y-%m-%d}"
        ]
        assert [t.number for t in done.told] == list(range(1, done.number + 1))
        assert done.state.calendar.horizon == horizon + timedelta(days=610)

    async def test_with_more_left_it_stays(self, house: World) -> None:
        started = await house.start()
        house.ahead = timedelta(days=590)
        done = await house.complete(started.execution, "call", "e1")
        assert done.state.calendar == started.state.calendar

    async def test_who_slept_past_its_end_goes_on(self, house: World) -> None:
        started = await house.start()
        house.ahead = timedelta(days=900)
        settlement = await house.settle(started.execution, 0)
        assert "calendar_changed" in [told.event for told in settlement.news]
        done = await house.complete(started.execution, "call", "e1")
        assert done.refusal is None
        due_at = next(step.due_at for step in done.state.steps if step.key == "check")
        assert due_at is not None and due_at > started.state.calendar.horizon
