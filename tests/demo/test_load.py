"""The demo organization, loaded into a real PostgreSQL at several instants of the week and year."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select

from db.engine import Database
from db.models.accounts import Account
from db.models.answers import Answer
from db.models.api_tokens import ApiToken
from db.models.audit_entries import AuditEntry
from db.models.base import Base
from db.models.contacts import Contact
from db.models.deliveries import Delivery
from db.models.escalations import Escalation
from db.models.executions import Execution
from db.models.memberships import Membership
from db.models.notes import Note
from db.models.notifications import Notification
from db.models.playbook_versions import PlaybookVersion
from db.models.playbooks import Playbook
from db.models.relay import RelayRow
from db.models.steps import Step
from db.models.tasks import Task
from db.models.touches import Touch
from db.models.transitions import Transition
from db.queries import across
from db.sealing import seal, verify
from demo.load import SCOPE, DemoToken, Loaded, load
from demo.portfolio import BY_KEY, CUSTOMERS
from demo.stories.catalogue import STORIES
from domain.playbook.codec import definition_from_json, event_from_json, state_from_json
from domain.playbook.machine import advance
from domain.playbook.state import State
from playbooks.library import shipped_keys
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.tokens import token_digest
from tests.postgres import create_database, drop_database

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]
Row = TypeVar("Row", bound=Base)

PARTS = sum(len(story.parts) for story in STORIES)
OPEN = ("open", "waiting", "offered", "sending")
AT_RISK, ALERT, EXPANSION = "at-risk-intervention", "critical-alert", "expansion"
DETRACTOR = "detractor-response"

ENDED = {
    ("ulmenhof", AT_RISK): ("success", "recovered"),
    ("varnholt", ALERT): ("success", "resolved"),
    ("wexmoor", EXPANSION): ("success", "won"),
    ("xenia", AT_RISK): ("failure", "churned"),
    ("ypernburg", AT_RISK): ("failure", "not_recovered"),
    ("elmstead", ALERT): ("failure", "unresolved"),
    ("glasmoor", EXPANSION): ("failure", "lost"),
    ("zirbenthal", ALERT): ("neutral", "not_needed"),
    ("amberton", EXPANSION): ("neutral", "not_now"),
    ("brightwater", AT_RISK): ("neutral", "false_alarm"),
    ("corvane", DETRACTOR): ("neutral", "no_answer"),
}
PAUSED = {("quellgrund", AT_RISK), ("pinewick", EXPANSION)}


class World:
    """The loaded rows, read as the organization's service member."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def rows(self, entity: type[Row]) -> Sequence[Row]:
        async with self.db.reading(SCOPE) as session:
            return (await session.scalars(select(entity))).all()

    async def of(self, account: str, playbook: str) -> list[Execution]:
        found = [
            one
            for one in await self.rows(Execution)
            if one.account_id == BY_KEY[account].id and one.playbook_key == playbook
        ]
        return sorted(found, key=lambda one: one.started_at)

    async def steps(self, account: str, playbook: str) -> dict[str, Step]:
        """Open steps of the account's executions of a playbook, by key."""
        executions = {one.id for one in await self.of(account, playbook)}
        return {
            step.step: step
            for step in await self.rows(Step)
            if step.execution_id in executions and step.status in OPEN
        }


@dataclass(frozen=True, slots=True)
class Template:
    """A database with the demo in it, to be copied, and what its load answered."""

    name: str
    loaded: Loaded


@pytest.fixture(scope="module")
def template(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[Template]:
    """The demo, loaded once for this file."""
    fresh = create_database(postgres_server, migrated_template)

    async def fill() -> Loaded:
        database = Database(fresh.app_url)
        try:
            return await load(database, datetime.now(UTC))
        finally:
            await database.close()

    yield Template(fresh.name, asyncio.run(fill()))
    drop_database(postgres_server, fresh.name)


@pytest.fixture
async def world(postgres_server: EmbeddedPostgres, template: Template) -> AsyncIterator[World]:
    """A copy of the loaded demo, of one test alone."""
    fresh = create_database(postgres_server, template.name)
    database = Database(fresh.app_url)
    yield World(database)
    await database.close()
    drop_database(postgres_server, fresh.name)


async def test_the_organization_is_worth_looking_at(world: World) -> None:
    assert len(await world.rows(Account)) == len(CUSTOMERS) == 36
    roles = Counter(role for one in await world.rows(Membership) for role in one.roles)
    assert roles["csm"] == 4
    assert roles["account_manager"] == 2
    assert {"director", "executive", "finance", "support", "ops", "auditor", "admin"} <= set(roles)
    contacts = Counter(one.account_id for one in await world.rows(Contact))
    assert set(contacts.values()) <= {1, 2, 3, 4}
    assert len(contacts) == 36
    assert len(await world.rows(Touch)) > 100
    assert len(await world.rows(Note)) >= 36
    assert {one.status for one in await world.rows(Task)} == {"open", "done"}
    assert {one.key for one in await world.rows(Playbook) if one.enabled} == set(shipped_keys())
    assert len(await world.rows(Execution)) == PARTS


async def test_each_story_is_where_it_should_be(world: World) -> None:
    for story in STORIES:
        for part in story.parts:
            for execution in await world.of(story.account, part.playbook):
                place = (story.account, part.playbook)
                if place in ENDED:
                    assert (execution.outcome, execution.outcome_code) == ENDED[place], place
                else:
                    status = "paused" if place in PAUSED else "running"
                    assert execution.status == status, place
    assert (await world.steps("birkhain", AT_RISK))["discovery-call"].status == "waiting"
    assert (await world.steps("ostsee", AT_RISK))["review-tickets"].snoozed_until is not None
    assert (await world.steps("dunmore", AT_RISK))["week-8-decision"].owner == "director"
    assert (await world.steps("kestrel", EXPANSION))["hand-off"].status == "offered"
    assert (await world.steps("lindenhof", EXPANSION))["hand-off"].status == "open"
    assert (await world.steps("delmora", "hand-over"))["accept"].status == "offered"
    assert (await world.steps("marisol", EXPANSION))["migration-plan"].phase == "decision"
    asked = (await world.steps("nebelhorn", EXPANSION))["success-stories"]
    assert asked.waiver_requested_by is not None
    assert "confirm-recovery" in await world.steps("calloway", AT_RISK)
    assert "engage-executive" in await world.steps("silbersee", DETRACTOR)
    assert "follow-up-survey" in await world.steps("tavira", DETRACTOR)


async def test_ladders_stand_at_their_levels_and_each_tells_somebody(world: World) -> None:
    assert (await world.steps("eschbach", AT_RISK))["outreach"].level == 1
    assert (await world.steps("fjordlys", AT_RISK))["outreach"].level == 2
    acknowledged = (await world.steps("granvik", ALERT))["acknowledge"]
    assert (acknowledged.level, acknowledged.acknowledged_level) == (2, 2)
    fired = await world.rows(Escalation)
    assert fired
    assert all(one.tell for one in fired)
    answered = [one for one in fired if one.acknowledged_at is not None]
    assert {one.step for one in answered} == {"acknowledge"}


async def test_all_four_alerts_came_and_two_run_side_by_side(world: World) -> None:
    alerts = [one for one in await world.rows(Execution) if one.playbook_key == ALERT]
    kinds = {one.concurrency_value for one in alerts if one.status == "running"}
    assert kinds == {"inactive", "score", "payment", "ticket"}
    beside = {one.concurrency_value for one in await world.of("isolde", ALERT)}
    assert beside == {"payment", "ticket"}


async def test_nothing_of_the_past_is_late_overdue_or_sent(world: World) -> None:
    assert not [one for one in await world.rows(Transition) if one.late]
    now = datetime.now(UTC)
    for one in await world.rows(Execution):
        assert one.status != "running" or one.next_deadline is None or one.next_deadline > now
    assert {one.status for one in await world.rows(Delivery)} == {"withdrawn", "delivered"}
    delivered = [one for one in await world.rows(Delivery) if one.status == "delivered"]
    assert {one.template for one in delivered} == {"crm"}
    told = [one for one in await world.rows(Notification) if one.read_at is None]
    assert told
    assert all(one.created_at > now - timedelta(days=2, minutes=1) for one in told)


async def test_every_execution_waits_to_be_told_to_its_workflow(world: World) -> None:
    waiting = {one.execution_id for one in await world.rows(RelayRow)}
    assert waiting == {one.id for one in await world.rows(Execution)}


async def test_who_is_away_is_represented(world: World) -> None:
    behalf = [one for one in await world.rows(Transition) if one.on_behalf_of is not None]
    away = next(one for one in STORIES if one.account == "falkensee").execution(0)
    assert away in {one.execution_id for one in behalf}


async def test_a_refusal_is_kept_and_audited(world: World) -> None:
    refused = [one for one in await world.rows(AuditEntry) if one.outcome == "refused"]
    assert [one.reason_code for one in refused] == ["step_required"]
    kept = [one.answer for one in await world.rows(Answer) if "code" in one.answer]
    assert [one["code"] for one in kept] == ["step_required"]


async def test_the_audit_chain_holds(world: World) -> None:
    sealed = await seal(world.db, SCOPE)
    assert sealed == len(await world.rows(AuditEntry))
    async with world.db.reading(SCOPE) as session:
        verified = await verify(session)
    assert verified.ok
    assert (verified.sealed, verified.unsealed) == (sealed, 0)


async def test_a_state_follows_from_its_events(world: World) -> None:
    """What the past was played by is the machine itself: each state re-derives from its events."""
    definitions = {
        one.id: definition_from_json(one.definition) for one in await world.rows(PlaybookVersion)
    }
    by_execution: dict[object, list[Transition]] = {}
    for one in await world.rows(Transition):
        by_execution.setdefault(one.execution_id, []).append(one)
    for execution in await world.rows(Execution):
        state: State | None = None
        for one in sorted(by_execution[execution.id], key=lambda made: made.number):
            event = event_from_json(one.event)
            state, _ = advance(definitions[execution.version_id], state, event, one.at)
        assert state == state_from_json(execution.state)


async def test_tokens_let_their_members_in(world: World, template: Template) -> None:
    assert {one.role for one in template.loaded.tokens} == {
        "csm",
        "account_manager",
        "director",
        "ops",
        "auditor",
        "admin",
    }
    for one in template.loaded.tokens:
        bearer = await across.bearer_of(world.db, token_digest(one.text))
        assert bearer is not None
        assert bearer.roles == (one.role,)


class TestAgain:
    async def test_a_second_load_does_nothing(self, world: World) -> None:
        counted = await _counts(world)
        again = await load(world.db, datetime.now(UTC))
        assert (again.made, again.tokens) == (0, ())
        assert await _counts(world) == counted

    @pytest.mark.parametrize("after", [1, 9])
    async def test_a_load_that_was_cut_short_is_finished_without_doubles(
        self, db: Database, after: int
    ) -> None:
        def cut(done: int, total: int) -> None:
            if done == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await load(db, datetime.now(UTC), progress=cut)
        rest = await load(db, datetime.now(UTC))
        assert rest.made == len(STORIES) - max(0, after - 2)
        assert rest.tokens
        world = World(db)
        assert len(await world.rows(Account)) == 36
        assert len(await world.rows(Execution)) == PARTS
        assert len(await world.rows(ApiToken)) == len(rest.tokens)

    async def test_tokens_are_kept_before_they_count(self, db: Database) -> None:
        kept: list[object] = []

        def lose(tokens: Sequence[DemoToken]) -> None:
            kept.extend(tokens)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await load(db, datetime.now(UTC), keep=lose)
        assert kept
        assert not await World(db).rows(ApiToken)
        assert (await load(db, datetime.now(UTC))).tokens


@pytest.mark.parametrize(
    "now",
    [
        datetime(2027, 3, 29, 12, tzinfo=UTC),  # Easter Monday, the day after the clocks changed
        datetime(2027, 6, 5, 23, 15, tzinfo=UTC),  # a Saturday at night
    ],
)
async def test_stories_stand_in_their_places_whenever_it_is_loaded(
    db: Database, now: datetime
) -> None:
    await load(db, now)
    world = World(db)
    await test_each_story_is_where_it_should_be(world)
    await test_ladders_stand_at_their_levels_and_each_tells_somebody(world)
    assert not [one for one in await world.rows(Transition) if one.late or one.at > now]


async def _counts(world: World) -> dict[str, int]:
    models = (Account, Contact, Touch, Execution, Transition, Delivery, AuditEntry, ApiToken)
    return {model.__name__: len(await world.rows(model)) for model in models}
