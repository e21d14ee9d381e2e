"""Who is a member decides what is seen: revoked, service, bearer of a token."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
import pytest
from sqlalchemy import Uuid, func, select, update

from db.bulk import table_of
from db.engine import Database
from db.models.memberships import Membership
from db.queries import across, record
from db.scope import Bearer, Scope
from runtime.ids import new_id
from tests.db.factories import change_to, make_execution, make_member, make_organization

pytestmark = pytest.mark.anyio


async def test_a_revoked_membership_sees_nothing_from_the_next_transaction_on(
    db: Database,
) -> None:
    scope = await make_organization(db)
    member = await make_member(db, scope, "csm")
    person = Scope(scope.org, member)
    count = select(func.count()).select_from(table_of(Membership))
    async with db.reading(person) as session:
        assert await session.scalar(count) == 2
    async with db.transaction(scope) as session:
        await session.run(
            update(table_of(Membership))
            .where(table_of(Membership).c.id == member)
            .values(active=False)
        )
    async with db.reading(person) as session:
        assert await session.scalar(count) == 0
        assert await session.scalar(select(func.app.current_org(type_=Uuid()))) is None


async def test_the_service_member_stays_while_executions_are_open(
    db: Database, admin: psycopg.Connection[Any]
) -> None:
    scope = await make_organization(db)
    execution = await make_execution(db, scope)
    with pytest.raises(psycopg.errors.CheckViolation, match="open executions"):
        admin.execute("update memberships set active = false where service")
    async with db.transaction(scope) as session:
        await record.write(session, record.Written(execution, change_to(1, "ended"), []))
    assert admin.execute("update memberships set active = false where service").rowcount == 1


async def test_a_token_speaks_for_its_member_until_it_ends(
    db: Database, admin: psycopg.Connection[Any]
) -> None:
    scope = await make_organization(db)
    member = await make_member(db, scope, "csm", "finance")
    digest = hashlib.sha256(b"secret").digest()
    admin.execute(
        "insert into api_tokens (org_id, id, member_id, name, prefix, sha256)"
        " values (%s, %s, %s, 'laptop', 'hf', %s)",
        (scope.org, new_id(), member, digest),
    )

    async def bearer() -> Bearer | None:
        async with db.unscoped() as connection:
            return await across.resolve_token(connection, digest)

    found = await bearer()
    assert found is not None
    assert (found.scope, found.roles) == (Scope(scope.org, member), ("csm", "finance"))
    used = admin.execute("select last_used_at is not null from api_tokens").fetchone()
    assert used == (True,)
    for end, undo in (
        ("update api_tokens set revoked_at = now()", "update api_tokens set revoked_at = null"),
        (
            "update api_tokens set expires_at = now() - interval '1 second'",
            "update api_tokens set expires_at = null",
        ),
        (
            "update memberships set active = false where not service",
            "update memberships set active = true",
        ),
    ):
        admin.execute(end.encode())
        assert await bearer() is None, end
        admin.execute(undo.encode())
        assert await bearer() is not None
