"""Who is in a segment is asked once for all accounts, and of one organization alone."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import event

from db.engine import Database
from db.queries.segment_members import accounts_where, members_of
from db.queries.statistics import write_statistics
from db.scope import Scope
from domain.conditions import evaluate
from domain.errors import Invalid
from domain.playbook.definition import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Not,
    Op,
    StepIs,
    Subject,
    Value,
)
from domain.segments import Segment, moved
from playbooks.segments.shipped import shipped_segments
from tests.db.factories import make_account, make_organization
from tests.factories import account

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
BELOW_70 = Compare("health.score", Op.below, 70)
RENEWS = Compare("account.renewal_date", Op.within_days, 90)

KNOWN: dict[str, dict[str, Value]] = {
    "Low": {"account.stage": "customer", "health.score": 69.9},
    "Even": {"account.stage": "customer", "health.score": 70, "account.arr": 50_000},
    "Renewing": {"account.renewal_date": "2027-02-20", "health.score": "70"},
    "Late": {"account.renewal_date": "2027-02-21"},
    "Blank": {},
}


async def portfolio(db: Database, scope: Scope) -> dict[str, UUID]:
    """An account for each of KNOWN, and "Unknown" without a row of statistics."""
    made = {name: await account(db, scope, name, fields=fields) for name, fields in KNOWN.items()}
    async with db.transaction(scope) as session:
        made["Unknown"] = await make_account(session, "Unknown")
    return made


async def named(db: Database, scope: Scope, made: dict[str, UUID], asked: Condition) -> set[str]:
    async with db.reading(scope) as session:
        found = await accounts_where(session, scope.org, asked, NOW)
    return {name for name, identity in made.items() if identity in found}


async def test_the_same_accounts_as_one_by_one(db: Database) -> None:
    scope = await make_organization(db)
    made = await portfolio(db, scope)
    asked: list[tuple[Condition, set[str]]] = [
        (BELOW_70, {"Low"}),
        (Not(BELOW_70), {"Even"}),
        (RENEWS, {"Renewing"}),
        (AnyOf((BELOW_70, RENEWS)), {"Low", "Renewing"}),
        (Not(AnyOf((BELOW_70, RENEWS))), set()),
        (Compare("health.score", Op.known, False), {"Late", "Blank", "Unknown"}),
        (AllOf(()), set(made)),
        (AnyOf(()), set()),
    ]
    for condition, expected in asked:
        assert await named(db, scope, made, condition) == expected
        one_by_one = {n for n in made if evaluate(condition, KNOWN.get(n, {}), {}, NOW)}
        assert one_by_one == expected


async def test_another_organization_is_never_seen(db: Database) -> None:
    ours, theirs = await make_organization(db), await make_organization(db, "Other")
    await account(db, theirs, fields={"health.score": 10})
    async with db.reading(ours) as session:
        assert await accounts_where(session, ours.org, BELOW_70, NOW) == frozenset()
        assert await accounts_where(session, theirs.org, BELOW_70, NOW) == frozenset()


class TestSegments:
    async def test_all_of_them_by_one_statement(self, db: Database) -> None:
        scope = await make_organization(db)
        made = await portfolio(db, scope)
        statements: list[str] = []

        def count(*given: object) -> None:
            statements.append(str(given[2]))

        event.listen(db.engine.sync_engine, "before_cursor_execute", count)
        async with db.reading(scope) as session:
            found = await members_of(session, scope.org, list(shipped_segments().values()), NOW)
        assert len(statements) == 1
        assert found == {
            "high-value": {made["Even"]},
            "growth": frozenset(),
            "stable": {made["Even"]},
            "at-risk": {made["Low"]},
        }

    async def test_a_score_that_recovers_is_an_exit_and_an_entry(self, db: Database) -> None:
        scope = await make_organization(db)
        made = await portfolio(db, scope)
        segments = list(shipped_segments().values())
        async with db.transaction(scope) as session:
            before = await members_of(session, scope.org, segments, NOW)
            await write_statistics(session, scope.org, made["Low"], {"health.score": 70})
            after = await members_of(session, scope.org, segments, NOW)
        low = {made["Low"]}
        assert moved(before["at-risk"], after["at-risk"]).left == low
        assert moved(before["stable"], after["stable"]).entered == low
        assert moved(before["high-value"], after["high-value"]).entered == frozenset()

    async def test_what_makes_no_sense_for_accounts_is_refused(self, db: Database) -> None:
        scope = await make_organization(db)
        contacts = Segment("champions", "Champions", BELOW_70, Subject.contact)
        stepped = Segment("stepped", "Stepped", StepIs("assess", "choice", "intervene"))
        async with db.reading(scope) as session:
            assert await members_of(session, scope.org, [], NOW) == {}
            for segment, code in ((contacts, "segment_subject"), (stepped, "condition_on_step")):
                with pytest.raises(Invalid) as refused:
                    await members_of(session, scope.org, [segment], NOW)
                assert refused.value.code == code
