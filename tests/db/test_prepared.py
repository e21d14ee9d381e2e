"""Prepared statements go beside the ORM: one transaction, one order, the same errors."""

from __future__ import annotations

import pytest
from sqlalchemy import Text, Uuid, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from db.bulk import table_of
from db.engine import Database
from db.models.accounts import Account
from db.prepared import Prepared
from runtime.ids import new_id
from tests.db.factories import make_organization

pytestmark = pytest.mark.anyio

A = table_of(Account).c
NAMES = Prepared(select(A.name).where(A.org_id == bindparam("org", type_=Uuid())).order_by(A.name))
ADD = Prepared(
    insert(table_of(Account)).values(
        org_id=bindparam("org", type_=Uuid()),
        id=bindparam("account", type_=Uuid()),
        name=bindparam("name", type_=Text()),
    )
)


async def test_sees_what_the_orm_has_not_written_yet(db: Database) -> None:
    scope = await make_organization(db)
    async with db.transaction(scope) as session:
        session.add(Account(org_id=scope.org, id=new_id(), name="By the ORM"))
        this = {"org": scope.org}
        assert await session.ask(NAMES, this) == [("By the ORM",)]
        await session.ask(ADD, {**this, "account": new_id(), "name": "By the driver"})
        found = await session.scalars(select(Account.name).order_by(Account.name))
        assert sorted(found) == ["By the ORM", "By the driver"]
    async with db.reading(scope) as session:
        assert len(await session.ask(NAMES, this)) == 2


async def test_a_savepoint_undoes_it(db: Database) -> None:
    scope = await make_organization(db)
    this = {"org": scope.org}
    account = new_id()
    async with db.transaction(scope) as session:
        await session.ask(ADD, {**this, "account": account, "name": "Kept"})
        with pytest.raises(IntegrityError):
            async with session.savepoint():
                await session.ask(ADD, {**this, "account": new_id(), "name": "Undone"})
                await session.ask(ADD, {**this, "account": account, "name": "Twice"})
    async with db.reading(scope) as session:
        assert await session.ask(NAMES, this) == [("Kept",)]


async def test_an_error_tells_no_values(db: Database) -> None:
    scope = await make_organization(db)
    given = {"org": scope.org, "account": new_id(), "name": "Confidential"}
    with pytest.raises(IntegrityError) as refused:
        async with db.transaction(scope) as session:
            await session.ask(ADD, given)
            await session.ask(ADD, given)
    assert "Confidential" not in str(refused.value)


def test_a_text_that_depends_on_its_values_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot depend on its values"):
        Prepared(select(A.name).where(A.name.in_(["one", "two"])))
