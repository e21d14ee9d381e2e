"""One message writes everything that transitions of an execution cause, or nothing of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from db.bulk import table_of
from db.engine import Database
from db.models.absences import Absence
from db.models.account_team import AccountTeamPlace
from db.models.deliveries import Delivery
from db.models.notifications import Notification
from db.models.relay import RelayRow
from db.models.steps import Step
from db.queries import answers, deliveries, executions, record, relay, surroundings, transitions
from db.queries.audit import NewAuditEntry
from db.queries.clock import database_now
from db.queries.record import NewAnswer, Written
from domain.playbook.definition import Role
from runtime.ids import new_id
from tests.db.factories import (
    NOON,
    begin,
    change_to,
    make_account,
    make_execution,
    make_member,
    make_organization,
    make_version,
    new_execution,
    transition,
)

pytestmark = pytest.mark.anyio


def step_row(execution: UUID, status: str) -> dict[str, object]:
    return {
        "execution_id": execution,
        "step": "outreach",
        "occurrence": 1,
        "execution_status": "running",
        "playbook_key": "at-risk",
        "playbook_name": "At risk",
        "phase": "intervention",
        "title": "Call them",
        "kind": "task",
        "status": status,
        "required": True,
        "urgent": False,
        "priority": 2,
        "owner": "csm",
        "opened_at": NOON,
        "due_at": NOON,
        "waited": 0,
        "level": 0,
        "acknowledged_level": 0,
        "changed_at": NOON,
    }


def delivery_row(execution: UUID, number: int, ordinal: int = 1) -> dict[str, object]:
    return {
        "id": new_id(),
        "execution_id": execution,
        "number": number,
        "ordinal": ordinal,
        "channel": "mail",
        "recipient_kind": "member",
        "recipient_id": new_id(),
        "template": "escalation",
        "params": {"level": 1},
        "urgent": True,
        "carrier": "workflow",
    }


async def test_everything_is_written_at_once(db: Database) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    delivery = delivery_row(execution, 1)
    async with db.transaction(scope) as session:
        held = (await executions.lock(session, execution, None, NOON)).stored
        assert (held.number, held.state) == (0, '{"number": 0}')
        await record.write(
            session,
            Written(
                id=execution,
                execution=change_to(2),
                transitions=[transition(1), transition(2)],
                steps=[step_row(execution, "open")],
                escalations=[
                    {
                        "id": new_id(),
                        "execution_id": execution,
                        "number": 1,
                        "step": "outreach",
                        "occurrence": 1,
                        "level": 1,
                        "due_at": NOON,
                        "late": False,
                        "tell": [str(scope.member)],
                    }
                ],
                deliveries=[delivery],
                notifications=[
                    {
                        "id": new_id(),
                        "member_id": scope.member,
                        "code": "escalation",
                        "execution_id": execution,
                        "number": 1,
                        "params": {},
                        "urgent": True,
                    }
                ],
                answers=[NewAnswer("event-2", "request", b'{"number": 2}')],
                audit=[NewAuditEntry(new_id(), NOON, "step.completed", "execution", "x")],
            ),
        )
    async with db.reading(scope) as session:
        assert (await executions.read(session, execution)).number == 2
        told = await transitions.told_since(session, execution, 0)
        assert [one.number for one in told] == [1, 2]
        assert told[0].deliveries == (str(delivery["id"]),)
        assert told[1].deliveries == ()
        kept = await answers.find(session, execution, "event-2")
        assert kept is not None and kept.answer == '{"number": 2}'
        for model in (Step, Notification, Delivery):
            assert await session.scalar(select(func.count()).select_from(table_of(model))) == 1
        assert await session.scalar(select(func.count()).select_from(table_of(RelayRow))) == 2


async def test_a_step_is_rewritten_in_place(db: Database) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    for number, status in ((1, "open"), (2, "completed")):
        async with db.transaction(scope) as session:
            await record.write(
                session,
                Written(
                    execution,
                    change_to(number),
                    [transition(number)],
                    steps=[step_row(execution, status)],
                ),
            )
    async with db.reading(scope) as session:
        assert list(await session.scalars(select(Step.status))) == ["completed"]


@pytest.mark.parametrize("second", [transition(1, "other"), transition(2, "event-1")])
async def test_a_number_and_an_event_id_are_taken_once(
    db: Database, second: record.NewTransition
) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    async with db.transaction(scope) as session:
        await record.write(session, Written(execution, change_to(1), [transition(1)]))
    with pytest.raises(IntegrityError):
        async with db.transaction(scope) as session:
            await record.write(session, Written(execution, change_to(2), [second]))
    async with db.reading(scope) as session:
        assert (await executions.read(session, execution)).number == 1


async def test_an_execution_that_is_not_there_is_not_written(db: Database) -> None:
    scope = await make_organization(db)
    missing = new_id()
    async with db.transaction(scope) as session:
        step = step_row(missing, "open")
        written = Written(missing, change_to(1), [transition(1)], steps=[step])
        assert not await record.write(session, written)
    async with db.reading(scope) as session:
        assert await transitions.list_transitions(session, missing) == []
        assert await session.scalar(select(func.count()).select_from(Step)) == 0


async def test_one_execution_is_open_per_subject_playbook_and_key(db: Database) -> None:
    scope = await make_organization(db)
    async with db.transaction(scope) as session:
        account = await make_account(session)
        version = await make_version(session, scope.member)
        first = new_execution(version, account)
        assert await begin(session, first)
        assert not await begin(session, new_execution(version, account))
        keyed = replace(new_execution(version, account), concurrency_value="payment-7")
        assert await begin(session, keyed)
        await record.write(session, Written(first.id, change_to(1, "ended"), [transition(1)]))
        assert await begin(session, new_execution(version, account))


async def test_who_waits_for_a_lock_sees_what_was_written_and_the_later_clock(
    db: Database,
) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    locked = asyncio.Event()

    async def first() -> None:
        async with db.transaction(scope) as session:
            await executions.lock(session, execution, None, NOON)
            locked.set()
            await asyncio.sleep(0.2)
            await record.write(
                session,
                Written(
                    execution,
                    change_to(1),
                    [transition(1)],
                    answers=[NewAnswer("event-1", "request", b"{}")],
                ),
            )

    task = asyncio.create_task(first())
    await locked.wait()
    async with db.transaction(scope) as session:
        before = await database_now(session)
        held = await executions.lock(session, execution, "event-1", NOON)
        assert held.stored.number == 1
        assert held.stored.database_now - before > timedelta(seconds=0.15)
        assert held.kept is not None
    await task


async def test_people_are_found_by_team_role_manager_and_absence(db: Database) -> None:
    scope = await make_organization(db)
    director = await make_member(db, scope, "director", name="Dora")
    first = await make_member(db, scope, "csm", name="Cleo", manager=director)
    second = await make_member(db, scope, "csm", "finance", name="Carl")
    async with db.transaction(scope) as session:
        account = await make_account(session)
        await session.run(
            table_of(AccountTeamPlace)
            .insert()
            .values(org_id=scope.org, account_id=account, role="csm", member_id=second)
        )
        await session.run(
            table_of(Absence)
            .insert()
            .values(
                org_id=scope.org,
                id=new_id(),
                member_id=second,
                delegate_id=first,
                starts_at=NOON - timedelta(days=1),
                ends_at=NOON + timedelta(days=1),
            )
        )
    async with db.reading(scope) as session:
        people = await surroundings.people_of(session, account, NOON)
        later = await surroundings.people_of(session, account, NOON + timedelta(days=1))
        elsewhere = await surroundings.people_of(session, None, NOON)
    assert people.team == {Role.csm: second}
    assert people.organization[Role.csm] == (first, second)
    assert people.managers == {first: director}
    assert people.present(second) == first
    assert later.present(second) == second
    assert elsewhere.holder(Role.csm) == first


async def test_relay_rows_are_claimed_once_in_order_and_gone_when_told(db: Database) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    async with db.transaction(scope) as session:
        written = Written(execution, change_to(2), [transition(1), transition(2)])
        await record.write(session, written)
    async with db.unscoped() as connection:
        assert await relay.claim(connection, grace=timedelta(hours=1)) == []
    async with db.unscoped() as connection:
        claims = await relay.claim(connection, grace=timedelta(0))
    assert [(c.scope, c.execution, c.first, c.last) for c in claims] == [(scope, execution, 1, 2)]
    async with db.transaction(scope) as session:
        await record.write(session, Written(execution, change_to(3), [transition(3)]))
    async with db.unscoped() as connection:
        assert await relay.claim(connection, grace=timedelta(0)) == []
    async with db.transaction(scope) as session:
        await relay.mark_told(session, execution, [1, 2])
    async with db.unscoped() as connection:
        claims = await relay.claim(connection, grace=timedelta(0))
    assert [(c.first, c.last) for c in claims] == [(3, 3)]


async def test_a_delivery_is_carried_under_a_lease_and_ended_once(db: Database) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    row = delivery_row(execution, 1)
    delivery = row["id"]
    assert isinstance(delivery, UUID)
    async with db.transaction(scope) as session:
        await record.write(
            session, Written(execution, change_to(1), [transition(1)], deliveries=[row])
        )
    async with db.transaction(scope) as session:
        first = await deliveries.claim(session, delivery, timedelta(milliseconds=50))
        assert isinstance(first, deliveries.Claimed)
        assert (first.attempts, first.fencing, first.params) == (1, 1, {"level": 1})
    async with db.transaction(scope) as session:
        held = await deliveries.claim(session, delivery, timedelta(minutes=1))
        assert isinstance(held, deliveries.NotClaimed)
    await asyncio.sleep(0.06)
    async with db.transaction(scope) as session:
        second = await deliveries.claim(session, delivery, timedelta(minutes=1))
        assert isinstance(second, deliveries.Claimed)
        assert not await deliveries.delivered(session, delivery, first.fencing)
        wait = await deliveries.retry_later(
            session, delivery, second.fencing, "smtp_busy", timedelta(0)
        )
        assert wait is not None
    async with db.transaction(scope) as session:
        third = await deliveries.claim(session, delivery, timedelta(minutes=1))
        assert isinstance(third, deliveries.Claimed)
        assert await deliveries.dead(session, delivery, third.fencing, "smtp_refused")
        assert await deliveries.unfinished(session, execution) == []
        dead = await deliveries.list_deliveries(session, "dead", None, 10)
        assert [(one.id, one.last_error) for one in dead] == [(delivery, "smtp_refused")]
    async with db.transaction(scope) as session:
        assert await deliveries.redeliver(session, delivery) == third.fencing + 1
        assert await deliveries.redeliver(session, delivery) is None
        assert await deliveries.own_waiting(session) == [(delivery, third.fencing + 1)]


async def test_digests_gather_what_waits_for_a_member(db: Database) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    ada, bob = new_id(), new_id()
    rows = [
        {**delivery_row(execution, 1, ordinal), "carrier": "digest", "recipient_id": member}
        for ordinal, member in ((1, ada), (2, bob), (3, ada))
    ]
    async with db.transaction(scope) as session:
        await record.write(
            session, Written(execution, change_to(1), [transition(1)], deliveries=rows)
        )
    async with db.transaction(scope) as session:
        assert len(await deliveries.gather_digests(session, new_id)) == 2
        assert await deliveries.gather_digests(session, new_id) == []
    async with db.reading(scope) as session:
        own = await deliveries.own_waiting(session)
        mails = await deliveries.read_many(session, [delivery for delivery, _ in own])
        told = {mail.recipient_id: mail.params["deliveries"] for mail in mails}
    assert told == {ada: [str(rows[0]["id"]), str(rows[2]["id"])], bob: [str(rows[1]["id"])]}
