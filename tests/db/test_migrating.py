"""A running execution is moved to another version of its playbook, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select, update

from db.engine import Database
from db.intake import learn_fields
from db.migrating import MigrateRequest, Preview, migrate_execution, preview_migration
from db.models.audit_entries import AuditEntry
from db.models.base import Base
from db.models.executions import Execution
from db.models.steps import Step as StepRow
from db.models.transitions import Transition
from db.models.words import Words
from db.queries import executions, playbook_catalogue
from db.rederiving import rederive_execution
from db.requests import Applied, NewWords
from db.transitions import settle_due
from domain.errors import Conflict, NotFound, Refused
from domain.playbook.codec import content_hash
from domain.playbook.definition import (
    Anchor,
    Compare,
    Definition,
    Duration,
    Exit,
    Op,
    OutcomeKind,
    Role,
    Step,
    StepKind,
    TimeSpec,
    Unit,
)
from domain.playbook.events import Paused, StepCompleted
from domain.playbook.moves import Move
from domain.playbook.state import StepStatus
from runtime.ids import new_id
from tests import factories
from tests.scenarios import World, one_call, world

pytestmark = pytest.mark.anyio
Row = TypeVar("Row", bound=Base)


def first() -> Definition:
    """Call within a minute; write a note at any time."""
    note = Step("note", "Write a note", StepKind.task, Role.csm)
    return with_steps(one_call(), *one_call().steps(), note)


def second() -> Definition:
    """Call within two days, under another title, and plan instead of writing a note."""
    call = replace(
        first().steps()[0],
        title="Ring the customer",
        due=TimeSpec(Duration(48, Unit.hour), Anchor.opening),
    )
    plan = Step("plan", "Plan", StepKind.task, Role.csm)
    changed = with_steps(first(), call, plan)
    won = Exit(OutcomeKind.success, "recovered", Compare("health.score", Op.above, 70))
    return replace(changed, exits=(*changed.exits, won), reads=("health.score",))


def with_steps(definition: Definition, *steps: Step) -> Definition:
    return replace(definition, phases=(replace(definition.phases[0], steps=steps),))


async def rows(scene: World, entity: type[Row], *order: Any) -> Sequence[Row]:
    async with scene.db.reading(scene.org) as session:
        return (await session.scalars(select(entity).order_by(*order))).all()


async def migrate(
    scene: World, execution: UUID, version: int | None = 2, event_id: str = "move"
) -> Applied:
    reason = NewWords(new_id(), "reason", "The old due time was a mistake.")
    request = MigrateRequest(execution, version, event_id, reason)
    async with scene.db.transaction(scene.director.scope) as session:
        return await migrate_execution(session, request, scene.director.actor)


async def preview(scene: World, execution: UUID, version: int | None = 2) -> Preview:
    request = MigrateRequest(execution, version, "look")
    async with scene.db.reading(scene.director.scope) as session:
        return await preview_migration(session, request, scene.director.actor)


@pytest.fixture
async def scene(db: Database) -> World:
    """The first version is enabled, the second is only published."""
    made = await world(db, first())
    await factories.published(db, made.director, second())
    return made


class TestMigrating:
    async def test_the_rows_follow_the_new_version(self, scene: World) -> None:
        started = await scene.start()
        moved = await migrate(scene, started.execution)
        assert moved.refusal is None
        (execution,) = await rows(scene, Execution)
        assert execution.content_hash == content_hash(second())
        assert execution.next_deadline == moved.told[-1].next_deadline
        steps = await rows(scene, StepRow, StepRow.step)
        assert [(s.step, s.title, s.status) for s in steps] == [
            ("call", "Ring the customer", "open"),
            ("note", "Write a note", "withdrawn"),
            ("plan", "Plan", "open"),
        ]
        assert steps[0].due_at == started.state.started_at + timedelta(hours=48)
        assert {s.assignee_id for s in steps} == {scene.csm.id}

    async def test_the_audit_names_both_definitions_and_why(self, scene: World) -> None:
        started = await scene.start()
        await migrate(scene, started.execution)
        entry = (await rows(scene, AuditEntry, AuditEntry.recorded_at))[-1]
        assert (entry.action, entry.actor_id) == ("migrated", scene.director.id)
        assert entry.data is not None
        assert (entry.data["from"], entry.data["to"], entry.data["version"]) == (
            content_hash(first()),
            content_hash(second()),
            2,
        )
        (words,) = await rows(scene, Words)
        assert entry.reason_id == words.id

    async def test_what_fell_due_before_is_settled_by_the_old_version(self, scene: World) -> None:
        started = await scene.start(since=timedelta(minutes=5))
        await migrate(scene, started.execution)
        kinds = [t.kind for t in await rows(scene, Transition, Transition.number)]
        assert kinds == ["started", "deadline_passed", "deadline_passed", "migrated"]

    async def test_the_new_version_counts_for_what_comes_after(self, scene: World) -> None:
        started = await scene.start()
        await migrate(scene, started.execution)
        async with scene.db.transaction(scene.org) as session:
            settled = await settle_due(
                session, started.execution, 0, clock=lambda at: at + timedelta(days=3)
            )
        assert [told.event for told in settled.news] == [
            "migrated",
            "deadline_passed",
            "deadline_passed",
        ]
        paused = await scene.apply(started.execution, Paused())
        assert paused.refusal is None
        assert {s.execution_status for s in await rows(scene, StepRow)} == {"paused"}

    async def test_it_reads_what_the_new_version_reads(self, scene: World) -> None:
        started = await scene.start()
        async with scene.db.transaction(scene.org) as session:
            await learn_fields(session, scene.account, {"health.score": 65})
        moved = await migrate(scene, started.execution)
        assert moved.state.fields == {"health.score": 65}
        async with scene.db.transaction(scene.org) as session:
            learned = await learn_fields(session, scene.account, {"health.score": 80})
        assert [one.state.outcome_code for one in learned.applied] == ["recovered"]

    async def test_the_same_request_again_gives_the_same_answer(self, scene: World) -> None:
        started = await scene.start()
        reason = NewWords(new_id(), "reason", "Better.")
        request = MigrateRequest(started.execution, 2, "move", reason)
        answers = []
        for _ in range(2):
            async with scene.db.transaction(scene.director.scope) as session:
                answers.append(await migrate_execution(session, request, scene.director.actor))
        assert [(a.number, a.repeated, a.refusal) for a in answers] == [
            (1, False, None),
            (1, True, None),
        ]
        with pytest.raises(Conflict) as refused:
            await migrate(scene, started.execution, 1)
        assert refused.value.code == "event_id_reused"

    async def test_there_and_back(self, scene: World) -> None:
        started = await scene.start()
        await migrate(scene, started.execution)
        await migrate(scene, started.execution, None, "back")
        steps = await rows(scene, StepRow, StepRow.step)
        assert [(s.step, s.status) for s in steps] == [
            ("call", "open"),
            ("note", "open"),
            ("plan", "withdrawn"),
        ]
        assert (await rows(scene, Execution))[0].content_hash == content_hash(first())


class TestRefused:
    async def test_to_the_version_that_it_runs(self, scene: World) -> None:
        started = await scene.start()
        refused = await migrate(scene, started.execution, None)
        assert refused.refusal is not None
        assert refused.refusal.code == "same_version"
        assert [t.kind for t in await rows(scene, Transition)] == ["started"]
        audit = await rows(scene, AuditEntry, AuditEntry.recorded_at)
        assert [(a.action, a.outcome) for a in audit][-1] == ("migrated", "refused")

    async def test_to_a_version_that_is_not_there(self, scene: World) -> None:
        started = await scene.start()
        with pytest.raises(NotFound) as refused:
            await migrate(scene, started.execution, 7)
        assert refused.value.code == "version_not_found"

    async def test_to_the_enabled_one_where_none_is(self, scene: World) -> None:
        started = await scene.start()
        async with scene.db.transaction(scene.director.scope) as session:
            await playbook_catalogue.disable(session, scene.org.org, "one-call")
        with pytest.raises(Refused) as refused:
            await migrate(scene, started.execution, None)
        assert refused.value.code == "playbook_disabled"
        assert (await migrate(scene, started.execution, 2)).refusal is None

    async def test_after_the_end(self, scene: World) -> None:
        started = await scene.start()
        await scene.apply(started.execution, StepCompleted("call"))
        refused = await migrate(scene, started.execution)
        assert refused.refusal is not None
        assert refused.refusal.code == "execution_ended"


class TestPreview:
    async def test_says_what_will_be_and_writes_nothing(self, scene: World) -> None:
        started = await scene.start()
        found = await preview(scene, started.execution)
        assert (found.playbook, found.before, found.after) == ("one-call", 1, 2)
        assert [(one.step, one.move, one.moves) for one in found.moves.steps] == [
            ("call", Move.stays, True),
            ("note", Move.withdrawn, False),
            ("plan", Move.opens, False),
        ]
        assert [t.kind for t in await rows(scene, Transition)] == ["started"]
        assert (await rows(scene, Execution))[0].content_hash == content_hash(first())
        moved = await migrate(scene, started.execution)
        open_now = {s.key: s.due_at for s in moved.state.steps if s.status is StepStatus.open}
        assert open_now == {
            one.step: one.due_after
            for one in found.moves.steps
            if one.move in (Move.stays, Move.opens)
        }
        assert found.moves.deadline_after == moved.told[-1].next_deadline

    async def test_is_refused_as_the_move_would_be(self, scene: World) -> None:
        started = await scene.start()
        with pytest.raises(Refused) as refused:
            await preview(scene, started.execution, None)
        assert refused.value.code == "same_version"
        assert [a.outcome for a in await rows(scene, AuditEntry)] == ["done"]


class TestRederived:
    async def test_by_every_definition_it_ran(self, scene: World) -> None:
        started = await scene.start()
        await migrate(scene, started.execution)
        await migrate(scene, started.execution, 1, "back")
        await scene.apply(started.execution, StepCompleted("call"))
        async with scene.db.reading(scene.org) as session:
            found = await rederive_execution(session, started.execution)
            stored = await executions.read(session, started.execution)
        assert found.disagreement is None
        assert found.agreed == stored.number + 1

    async def test_a_version_that_nobody_moved_it_to_is_found(self, scene: World) -> None:
        started = await scene.start()
        await migrate(scene, started.execution)
        async with scene.db.transaction(scene.org) as session:
            await session.run(
                update(Execution)
                .values(content_hash=content_hash(first()))
                .execution_options(synchronize_session=False)
            )
        async with scene.db.reading(scene.org) as session:
            found = await rederive_execution(session, started.execution)
        assert found.disagreement is not None
        assert (found.disagreement.number, found.disagreement.code) == (1, "version_differs")
