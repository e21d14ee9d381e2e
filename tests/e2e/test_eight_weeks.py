"""Eight weeks of an at-risk intervention on real servers, each instant worked out by hand.

From Monday, 5 March 2035 in Berlin, over Good Friday, the change to daylight saving and Easter
Monday, while the account's owner is away, to the success on 30 April.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from db.engine import Database
from db.intake import Fact, learn_fact, learn_fields
from db.models.calendars import Calendar
from db.models.escalations import Escalation
from db.models.memberships import Membership
from db.models.notifications import Notification
from db.models.users import User
from db.queries.absences import add_absence
from db.rederiving import rederive_execution
from db.requests import NewEvidence, StartRequest
from domain.playbook.definition import CODED_EVIDENCE, Role, Subject, Value
from domain.playbook.draft import step_of
from domain.playbook.events import Acknowledged, Body, Event, HandOffDecided, StepCompleted
from domain.playbook.state import StepStatus
from playbooks.library import shipped
from runtime.ids import new_id
from tests import factories
from tests.e2e.stage import Life, Stage, staged
from tests.factories import Person
from tests.smtp import Mailbox, mailbox
from tests.temporal import SkippingTemporal, skipping_temporal

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PLAYBOOK = shipped()["at-risk-intervention"].definition


def utc(text: str) -> datetime:
    """Of the year 2035. Berlin is an hour ahead until 25 March, two from then on."""
    return datetime.fromisoformat(f"2035-{text}").replace(tzinfo=UTC)


MOST_EVENTS = 10
"""For each step that a person completes, all else included: BENCHMARKS.md, scenario 5."""

START = utc("03-05 08:30")  # Monday, 09:30 in Berlin

DEADLINES = [
    # Two business days from the start, and the reminder one before that.
    ("03-06 08:30", "remind:review-history#1:0"),
    # Week 2 begins seven days after the start; the call is due 48 hours after that, elapsed time.
    ("03-12 08:30", "phase:intervention"),
    ("03-13 08:30", "remind:outreach#1:0"),
    ("03-14 08:30", "breach:outreach#1"),
    ("03-14 08:30", "escalate:outreach#1:1"),
    # One business day on would be Thursday 08:30. Acknowledged on Wednesday at 12:00 for one
    # business day, that is until Thursday at 12:00: 24 hours later.
    ("03-16 08:30", "escalate:outreach#1:2"),
    # Opened on Monday 19 March at 11:00 in Berlin, due after five business days: Tuesday,
    # Wednesday, Thursday, over Good Friday, the weekend with its lost hour and Easter Monday to
    # Tuesday, Wednesday 28 March at 11:00, which is 09:00 UTC by now.
    ("03-27 09:00", "remind:discovery-call#1:0"),
    ("03-28 09:00", "breach:discovery-call#1"),
    ("03-28 09:00", "escalate:discovery-call#1:1"),
    ("03-29 09:00", "escalate:discovery-call#1:2"),
    # Week 5 begins 28 times 24 hours after the start: 10:30 in Berlin, no longer 09:30.
    ("04-02 08:30", "phase:resolution"),
    # Three business days after Wednesday at 11:00: Monday at 11:00.
    ("04-02 09:00", "escalate:discovery-call#1:3"),
    # A day before the week since the discovery call is over: a Sunday.
    ("04-08 12:00", "remind:weekly-check-in#1:0"),
    # A week before the end of week 8.
    ("04-23 08:30", "remind:confirm-recovery#1:0"),
    # The end of week 8, 56 times 24 hours after the start.
    ("04-30 08:30", "phase:extension"),
    ("04-30 08:30", "open:week-8-decision#1"),
]

DUE = {
    "review-history": "03-07 08:30",
    "analyse-usage": "03-12 08:30",
    "outreach": "03-14 08:30",
    "discovery-call": "03-28 09:00",
    "action-plan": "04-05 12:00",
    "choose-resources": "04-05 08:00",
    "weekly-check-in": "04-09 12:00",
    "confirm-recovery": "04-30 08:30",
    "document-strategies": "04-27 09:00",
    # Five business days from 25 April over Labour Day; for the last also over Ascension, 3 May.
    "set-cadence": "05-02 09:00",
    "monthly-monitoring": "04-30 09:00",
    "share-learnings": "05-04 08:00",
}


@dataclass(slots=True)
class Story:
    """The people of the account, the account, and the life of its playbook."""

    stage: Stage
    box: Mailbox
    clara: Person
    dan: Person
    mona: Person
    dora: Person
    edda: Person
    sam: Person
    account: UUID
    life: Life
    done: int = 0

    async def does(self, at: str, body: Body, by: Person, *evidence: NewEvidence) -> None:
        event = Event(f"story:{new_id()}", body, by.actor)
        applied = await self.life.apply(event, utc(at), evidence=evidence)
        assert applied.refusal is None, applied.refusal

    async def completes(
        self,
        at: str,
        step: str,
        by: Person | None = None,
        choice: str | None = None,
        **answers: Value,
    ) -> None:
        """With its evidence: `answers` for what is coded, rows of their own for the rest."""
        rows = [
            NewEvidence(new_id(), field.key, field.type, f"what was found: {field.key}")
            for field in step_of(PLAYBOOK, step).evidence
            if field.type not in CODED_EVIDENCE and field.required
        ]
        named = {row.field: str(row.id) for row in rows}
        body = StepCompleted(step, choice=choice, answers=dict(answers), evidence=named)
        await self.does(at, body, by or self.clara, *rows)
        self.done += 1

    async def learns(self, at: str, what: Callable[[Any, Any], Awaitable[object]]) -> None:
        """Intake at that instant; its transitions are told by the relay alone."""
        await self.life.reach(utc(at))
        async with self.stage.database.transaction(self.life.scope) as session:
            await what(session, lambda _: utc(at))
        self.life.last = (await self.life.state()).number

    def name(self, member: object) -> str:
        people = ("clara", "dan", "mona", "dora", "edda", "sam")
        return next(name for name in people if str(getattr(self, name).id) == str(member))


@pytest.fixture(scope="module")
async def temporal(anyio_backend: str) -> AsyncIterator[SkippingTemporal]:
    async with skipping_temporal() as server:
        yield server


@pytest.fixture
async def story(temporal: SkippingTemporal, db: Database) -> AsyncIterator[Story]:
    org = await factories.organization(db)
    mona = await factories.person(db, org, Role.ops, name="mona")
    clara = await factories.person(db, org, Role.csm, name="clara", manager=mona)
    dan = await factories.person(db, org, Role.csm, name="dan")
    dora = await factories.person(db, org, Role.director, name="dora")
    edda = await factories.person(db, org, Role.executive, name="edda")
    sam = await factories.person(db, org, Role.support, name="sam")
    team = {Role.csm: clara, Role.director: dora, Role.executive: edda, Role.support: sam}
    fields: dict[str, Value] = {"account.stage": "customer", "health.score": 60}
    account = await factories.account(db, org, team=team, fields=fields)
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
        await add_absence(
            session,
            org.org,
            new_id(),
            member=clara.id,
            delegate=dan.id,
            starts_at=utc("03-26 00:00"),
            ends_at=utc("04-04 00:00"),
        )
    await factories.published(db, dora, PLAYBOOK)
    request = StartRequest(
        new_id(), PLAYBOOK.key, Subject.account, account, account, None, cause="api"
    )
    with mailbox() as box:
        async with staged(temporal, db, box.settings) as stage:
            life = await stage.begin(request, clara, START)
            yield Story(stage, box, clara, dan, mona, dora, edda, sam, account, life)


async def lived(story: Story) -> None:
    """What people do in these eight weeks, and what becomes known of the account."""
    await assessed(story)
    await reached(story)
    await story.completes("04-02 12:00", "discovery-call", story.dora)
    await story.completes("04-04 08:00", "action-plan")
    await story.completes("04-04 09:00", "choose-resources", choice="technical")
    await story.does("04-04 12:00", StepCompleted("assign-technical"), story.clara)
    await story.does("04-05 08:00", HandOffDecided("assign-technical", accepted=True), story.sam)
    story.done += 1
    await meets(story, "04-09 08:00")
    await recovered(story)


async def assessed(story: Story) -> None:
    for step, answers in (
        ("review-history", {"change": -12}),
        ("analyse-usage", {}),
        ("review-tickets", {"unresolved": 3}),
        ("assess-renewal", {"renewal_date": "2035-09-01", "revenue_at_risk": 48000}),
    ):
        await story.completes("03-06 13:00", step, **answers)
    await story.completes("03-07 10:00", "set-priority", save_probability=60, priority="high")


async def reached(story: Story) -> None:
    """Late: after a breach, an acknowledgement and the level that it held back."""
    await story.does("03-14 12:00", Acknowledged("outreach"), story.clara)
    await story.completes("03-19 10:00", "outreach", meeting_at="2035-03-28T09:00:00Z")


async def meets(story: Story, at: str) -> None:
    """A logged meeting completes the weekly check-in."""
    met = Fact("touch.meeting", new_id(), utc(at) - timedelta(minutes=30))
    await story.learns(
        at, lambda session, clock: learn_fact(session, story.account, met, clock=clock)
    )
    story.done += 1


async def recovered(story: Story) -> None:
    await story.completes("04-24 09:00", "confirm-recovery", score=76)
    await story.completes("04-25 08:00", "document-strategies")
    await story.completes("04-25 09:00", "set-cadence", cadence="monthly", next_touch="2035-05-23")
    await story.completes("04-26 08:00", "monthly-monitoring", first_review="2035-05-28")
    better: dict[str, Value] = {"health.score": 76}
    await story.learns(
        "04-26 10:00",
        lambda session, clock: learn_fields(session, story.account, better, clock=clock),
    )
    await story.completes("04-30 09:00", "share-learnings", shared_on="2035-04-30")


async def test_every_deadline_and_escalation_comes_at_its_instant(story: Story) -> None:
    await lived(story)
    closed = await story.life.closed()

    made = await story.life.transitions()
    assert [
        (m.at, m.event_id.removeprefix("deadline:").rsplit(":", 1)[0])
        for m in made
        if m.kind == "deadline_passed"
    ] == [(utc(at), key) for at, key in DEADLINES]
    assert not any(m.late for m in made)

    state = await story.life.state()
    assert {
        step.key: step.first_due_at
        for step in state.steps
        if step.key in DUE and step.occurrence == 1
    } == {step: utc(due) for step, due in DUE.items()}
    assert (state.outcome, state.outcome_code) == ("success", "recovered")
    assert state.ended_at == utc("04-30 09:00")
    assert closed.number == state.number == len(made) - 1
    assert next(s for s in state.steps if s.key == "week-8-decision").status is (
        StepStatus.not_needed
    )

    await told_whom(story)
    async with story.stage.database.reading(story.life.scope) as session:
        again = await rederive_execution(session, story.life.execution)
    assert (again.disagreement, again.agreed) == (None, len(made))


async def told_whom(story: Story) -> None:
    """Levels are resolved to the people of the moment: who is away is replaced by a delegate."""
    async with story.stage.database.reading(story.life.scope) as session:
        levels = (await session.scalars(select(Escalation).order_by(Escalation.number))).all()
        in_app = (
            await session.scalars(
                select(Notification).order_by(Notification.number, Notification.id)
            )
        ).all()
        addresses = {
            email: story.name(member)
            for member, email in await session.execute(
                select(Membership.id, User.email)
                .join(User, User.id == Membership.user_id)
                .where(Membership.service.is_(False))
            )
        }
    assert [
        (level.due_at, level.step, level.level, [story.name(one) for one in level.tell])
        for level in levels
    ] == [
        (utc("03-14 08:30"), "outreach", 1, ["clara", "mona"]),
        (utc("03-16 08:30"), "outreach", 2, ["dora"]),
        (utc("03-28 09:00"), "discovery-call", 1, ["dan", "mona"]),
        (utc("03-29 09:00"), "discovery-call", 2, ["dora"]),
        (utc("04-02 09:00"), "discovery-call", 3, ["dora", "edda"]),
    ]
    assert [level.took_over_id for level in levels][-1] == story.dora.id
    assert not any(level.late for level in levels)

    said = [(one.code, one.step, story.name(one.member_id)) for one in in_app]
    assert [one for one in said if one[0] == "reminder"] == [
        ("reminder", "review-history", "clara"),
        ("reminder", "outreach", "clara"),
        ("reminder", "discovery-call", "dan"),
        ("reminder", "weekly-check-in", "clara"),
        ("reminder", "confirm-recovery", "clara"),
    ]
    assert ("hand_off_offered", "assign-technical", "sam") in said

    mailed = Counter(
        (
            str(mail["Subject"]).split(":")[0].strip(),
            addresses[str(mail["To"].addresses[0].addr_spec)],
        )
        for mail in story.box.mails
    )
    assert mailed == Counter(
        {
            ("A step is yours", "clara"): 1,  # the outreach, which is urgent
            ("Due soon", "clara"): 4,
            ("Due soon", "dan"): 1,
            ("Overdue, level 1", "clara"): 1,
            ("Overdue, level 1", "dan"): 1,
            ("Overdue, level 1", "mona"): 2,
            ("Overdue, level 2", "dora"): 2,
            ("Overdue, level 3", "dora"): 1,
            ("Overdue, level 3", "edda"): 1,
        }
    )
    assert len({str(mail["Message-ID"]) for mail in story.box.mails}) == len(story.box.mails)


async def test_a_step_costs_few_events_of_history(story: Story) -> None:
    """The same weeks with the discovery call in time: reminders, mails and two escalations."""
    await assessed(story)
    await reached(story)
    await story.completes("03-27 08:00", "discovery-call")
    await story.completes("03-28 08:00", "action-plan")
    await story.completes("03-28 09:00", "choose-resources", choice="technical")
    await story.does("03-28 12:00", StepCompleted("assign-technical"), story.clara)
    await story.does("03-29 08:00", HandOffDecided("assign-technical", accepted=True), story.sam)
    story.done += 1
    await meets(story, "04-02 10:00")
    await recovered(story)
    closed = await story.life.closed()

    made = await story.life.transitions()
    caused = Counter(command["kind"] for m in made for command in m.commands)
    assert (caused["escalate"], caused["remind"]) == (2, 4)
    assert closed.number == len(made) - 1
    events = await story.life.events()
    each = len(events) / story.done
    print(f"{len(events)} events for {story.done} completed steps: {each:.1f} each")
    assert story.done == 16
    assert each <= MOST_EVENTS
