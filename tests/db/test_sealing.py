"""The chain holds what was recorded, and shows a change, a gap and a cut end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select

from db.engine import Database
from db.models.audit_entries import AuditEntry
from db.queries import across, audit
from db.queries.audit import AuditFilter, NewAuditEntry
from db.scope import Scope
from db.sealing import _SEAL, Verification, seal, verify
from db.urls import for_psycopg
from domain.errors import Unavailable
from runtime.ids import new_id
from tests.db.factories import NOON, make_organization
from tests.postgres import FreshDatabase

pytestmark = pytest.mark.anyio


async def record(db: Database, scope: Scope, count: int) -> None:
    async with db.transaction(scope) as session:
        await audit.insert_many(
            session,
            [
                NewAuditEntry(
                    id=new_id(),
                    at=NOON + timedelta(seconds=number),
                    action="step.completed",
                    object_kind="execution",
                    object_id=str(number),
                    actor_id=scope.member,
                    seen={"health.score": 69.5, "version": 3},
                    data={"step": "outreach", "numbers": [1, 2.0, 2**60]},
                )
                for number in range(count)
            ],
        )


async def check(db: Database, scope: Scope) -> Verification:
    async with db.reading(scope) as session:
        return await verify(session)


def tamper(database: FreshDatabase, statement: str) -> None:
    """What a superuser could do behind our back."""
    with psycopg.connect(for_psycopg(database.admin_url), autocommit=True) as connection:
        assert connection.execute(statement).rowcount == 1


async def test_an_empty_chain_holds(db: Database) -> None:
    scope = await make_organization(db)
    assert await seal(db, scope) == 0
    found = await check(db, scope)
    assert (found.ok, found.sealed, found.unsealed) == (True, 0, 0)


async def test_entries_are_sealed_once_and_the_chain_goes_on(db: Database) -> None:
    scope = await make_organization(db)
    await record(db, scope, 3)
    before = await check(db, scope)
    assert (before.ok, before.sealed, before.unsealed) == (True, 0, 3)
    assert await seal(db, scope) == 3
    assert await seal(db, scope) == 0
    await record(db, scope, 2)
    assert await seal(db, scope) == 2
    after = await check(db, scope)
    assert (after.ok, after.sealed, after.unsealed) == (True, 5, 0)
    async with db.reading(scope) as session:
        entries = await audit.list_entries(session, AuditFilter(object_id="1"), None, 10)
        assert [entry.object_id for entry in entries] == ["1", "1"]


async def test_a_thousand_entries_are_sealed_in_batches(db: Database) -> None:
    scope = await make_organization(db)
    await record(db, scope, 2_100)
    assert await seal(db, scope) == 2_100
    assert (await check(db, scope)).sealed == 2_100


async def test_two_sealers_at_once_make_one_chain(db: Database) -> None:
    scope = await make_organization(db)
    await record(db, scope, 500)
    sealed = await asyncio.gather(*(seal(db, scope) for _ in range(4)))
    assert sum(sealed) == 500
    assert (await check(db, scope)).ok


async def test_organizations_that_wait_for_the_sealer_are_named(db: Database) -> None:
    idle, busy = await make_organization(db, "Idle"), await make_organization(db, "Busy")
    await record(db, busy, 1)
    async with db.unscoped() as connection:
        assert await across.organizations_with(connection, "seal") == [busy]
        assert set(await across.organizations_with(connection, "all")) == {idle, busy}


async def test_a_changed_entry_is_found(db: Database, fresh_database: FreshDatabase) -> None:
    scope = await make_organization(db)
    await record(db, scope, 5)
    await seal(db, scope)
    tamper(fresh_database, "update audit_entries set action = 'step.waived' where seq = 3")
    found = await check(db, scope)
    assert (found.ok, found.broken_at, found.fault, found.sealed) == (False, 3, "changed", 2)


async def test_a_changed_value_inside_the_data_is_found(
    db: Database, fresh_database: FreshDatabase
) -> None:
    scope = await make_organization(db)
    await record(db, scope, 5)
    await seal(db, scope)
    tamper(
        fresh_database,
        """update audit_entries set seen = '{"health.score": 71, "version": 3}' where seq = 5""",
    )
    found = await check(db, scope)
    assert (found.broken_at, found.fault) == (5, "changed")


async def test_a_removed_middle_is_found(db: Database, fresh_database: FreshDatabase) -> None:
    scope = await make_organization(db)
    await record(db, scope, 5)
    await seal(db, scope)
    tamper(fresh_database, "delete from audit_entries where seq = 2")
    found = await check(db, scope)
    assert (found.ok, found.broken_at, found.fault) == (False, 2, "missing")


async def test_a_cut_end_is_found(db: Database, fresh_database: FreshDatabase) -> None:
    scope = await make_organization(db)
    await record(db, scope, 5)
    await seal(db, scope)
    tamper(fresh_database, "delete from audit_entries where seq = 5")
    found = await check(db, scope)
    assert (found.ok, found.broken_at, found.fault) == (False, 5, "cut")


async def test_an_entry_from_another_organization_does_not_fit(
    db: Database, fresh_database: FreshDatabase
) -> None:
    mine, other = await make_organization(db, "Mine"), await make_organization(db, "Other")
    await record(db, mine, 1)
    await seal(db, mine)
    await record(db, other, 1)
    await seal(db, other)
    async with db.reading(other) as session:
        stolen = await session.scalar(select(AuditEntry.id))
    tamper(fresh_database, f"update audit_entries set seq = 7 where id = '{stolen}'")
    tamper(fresh_database, f"delete from audit_entries where org_id = '{mine.org}'")
    tamper(
        fresh_database,
        f"update audit_entries set seq = 1, org_id = '{mine.org}' where id = '{stolen}'",
    )
    assert (await check(db, mine)).fault == "changed"


async def test_the_app_cannot_chain_past_the_head(db: Database) -> None:
    scope = await make_organization(db)
    await record(db, scope, 2)
    async with db.reading(scope) as session:
        entry = await session.scalar(select(AuditEntry.id).limit(1))
    with pytest.raises(Unavailable):
        async with db.transaction(scope) as session:
            await session.run(
                _SEAL, {"entries": [entry], "first": 7, "prev": [b"x"], "own": [b"y"]}
            )
