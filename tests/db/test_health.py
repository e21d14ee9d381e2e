"""Health in SQL for all accounts at once is the health that Python explains for one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, bindparam, literal, type_coerce

from db.engine import Database
from db.health import STATISTICS, HealthSelect, health_select, parameters
from db.urls import for_psycopg
from domain.health.model import Freshness, HealthModel
from domain.health.score import points_of, score
from domain.health.standard import standard_model
from domain.playbook.definition import Value
from tests import factories
from tests.domain.health.models import ROWS, by_age, by_number, by_table, health_models, model
from tests.postgres import FreshDatabase

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
SEGMENT = type_coerce(STATISTICS.fields.op("->>")(literal("account.tier", Text())), Text())
"""A segment that the test keeps beside the fields of each account."""

Account = tuple[str | None, Mapping[str, Value]]


class Organization:
    """An organization's statistics in a transaction that is never committed."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.org = uuid4()
        connection.execute("insert into organizations (id, name) values ($1, 'Acme')", [self.org])

    def keep(self, accounts: Sequence[Account]) -> list[UUID]:
        """Writes the accounts, in one statement each for accounts and statistics."""
        ids = [uuid4() for _ in accounts]
        self.connection.execute(
            "insert into accounts (org_id, id, name) select $1, unnest($2::uuid[]), 'Globex'",
            [self.org, ids],
        )
        rows = [
            json.dumps({**fields, **({} if segment is None else {"account.tier": segment})})
            for segment, fields in accounts
        ]
        self.connection.execute(
            "insert into account_statistics (org_id, account_id, version, fields)"
            " select $1, id, 1, fields from unnest($2::uuid[], $3::jsonb[]) as made (id, fields)",
            [self.org, ids, rows],
        )
        return ids

    def scored(self, health: HealthSelect, now: datetime = NOW) -> dict[UUID, dict[str, Any]]:
        """The rows of the statement by account, as columns by name."""
        prepared = health.prepared()
        cursor = self.connection.execute(
            prepared.text, prepared.bound(parameters(self.org, now)), prepare=False
        )
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
        return {row["account_id"]: row for row in found}


@pytest.fixture
def raw(fresh_database: FreshDatabase) -> Iterator[psycopg.Connection[Any]]:
    """The superuser, in a session far from UTC: nothing may depend on where a server stands."""
    with psycopg.connect(
        for_psycopg(fresh_database.admin_url),
        cursor_factory=psycopg.RawCursor,
        options="-c timezone=Pacific/Auckland",
    ) as connection:
        yield connection


def by_python(health: HealthModel, account: Account, now: datetime = NOW) -> dict[str, Any]:
    segment, fields = account
    result = score(health, fields, segment, now)
    points = [points_of(component, fields, now.date()) for component in health.components]
    return {
        "score": result.score,
        "band": result.band,
        "known_weight": result.known_weight,
        "total_weight": result.total_weight,
        **{f"points_{number}": each for number, each in enumerate(points, start=1)},
    }


def assert_same(organization: Organization, health: HealthModel, rows: Sequence[Account]) -> None:
    ids = organization.keep(rows)
    found = organization.scored(health_select(health, SEGMENT))
    for account, row in zip(ids, rows, strict=True):
        told = {name: found[account][name] for name in by_python(health, row)}
        assert told == by_python(health, row), row


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(health=health_models(), rows=st.lists(ROWS, min_size=20, max_size=60))
def test_sql_and_python_agree_on_every_row(
    raw: psycopg.Connection[Any], health: HealthModel, rows: list[Account]
) -> None:
    try:
        assert_same(Organization(raw), health, rows)
    finally:
        raw.rollback()


class TestAgreement:
    def test_on_every_tenth_and_every_tie_of_a_curve(self, raw: psycopg.Connection[Any]) -> None:
        health = model(by_number("custom.a", 1, (-7, 3.3), (0.3, 100), (11, 12.25), (90, 70)))
        rows: list[Account] = [(None, {"custom.a": n / 20}) for n in range(-200, 2000)]
        assert_same(Organization(raw), health, rows)

    def test_on_shares_of_weights_that_do_not_divide(self, raw: psycopg.Connection[Any]) -> None:
        parts = [
            by_number(f"custom.{name}", weight)
            for name, weight in zip("abc", (3, 7, 13), strict=True)
        ]
        rows: list[Account] = [
            (None, {"custom.a": a, "custom.b": b, **({"custom.c": 50} if (a + b) % 3 else {})})
            for a in range(0, 101, 5)
            for b in range(0, 101, 7)
        ]
        assert_same(Organization(raw), model(*parts, least_known=44), rows)

    def test_on_numbers_with_more_digits_than_a_float_has(
        self, raw: psycopg.Connection[Any]
    ) -> None:
        """As a quotient that SQL computed: the decimal in the row is not the float read of it."""
        health = model(by_number("custom.a", 1, (0, 0), (100, 0.15)))
        organization = Organization(raw)
        [account] = organization.keep([(None, {})])
        raw.execute(
            "update account_statistics set fields = jsonb_build_object('custom.a', 100 / 3.0)"
            " where account_id = $1",
            [account],
        )
        [(fields,)] = raw.execute(
            "select fields from account_statistics where account_id = $1", [account]
        ).fetchall()
        assert Decimal(str(fields["custom.a"])) != Decimal(100) / Decimal(3)
        told = organization.scored(health_select(health))[account]
        assert told["points_1"] == by_python(health, (None, fields))["points_1"] == Decimal("0.0")

    def test_on_the_six_decimals_that_count(self, raw: psycopg.Connection[Any]) -> None:
        """0.05 points lie at a third of a hundred: one side of the tie is 0.0, the other 0.1."""
        health = model(by_number("custom.a", 1, (0, 0), (100, 0.15)))
        below, above = 33.3333334, 33.3333336
        rows: list[Account] = [(None, {"custom.a": number}) for number in (below, above)]
        assert_same(Organization(raw), health, rows)
        assert [by_python(health, row)["points_1"] for row in rows] == [
            Decimal("0.0"),
            Decimal("0.1"),
        ]

    def test_on_the_day_in_utc_wherever_the_server_stands(
        self, raw: psycopg.Connection[Any]
    ) -> None:
        health = model(by_age("custom.a", 1, (0, 100), (10, 0)))
        texts = [
            ("2026-11-22", 100),
            ("2026-11-21T23:59:59", 90),
            ("2026-11-22T00:30:00+01:00", 90),
            ("2026-11-21T23:30:00-01:00", 100),
            ("2026-11-21 12:00:00.5Z", 90),
            ("2026-02-30", None),
            ("yesterday", None),
        ]
        organization = Organization(raw)
        ids = organization.keep([(None, {"custom.a": text}) for text, _ in texts])
        found = organization.scored(health_select(health))
        assert [found[each]["points_1"] for each in ids] == [points for _, points in texts]

    def test_of_the_standard_model(self, raw: psycopg.Connection[Any]) -> None:
        standard = standard_model()
        values: list[Value] = [0, 1, 7, 33.3, 80, "2026-11-01", "2026-10-10T10:00:00+00:00"]
        values += ["medium", True, False, "nothing of use", -20]
        rows: list[Account] = [
            (
                None,
                {
                    field: values[(number * step + shift) % len(values)]
                    for number, field in enumerate(standard.reads())
                },
            )
            for step in range(1, 12)
            for shift in range(12)
        ]
        assert_same(Organization(raw), standard, rows)


class TestMissing:
    def test_an_account_of_which_too_little_is_known_has_no_score(
        self, raw: psycopg.Connection[Any]
    ) -> None:
        health = model(by_number("custom.a", 39), by_number("custom.b", 61), least_known=40)
        organization = Organization(raw)
        little, enough = organization.keep([(None, {"custom.a": 0}), (None, {"custom.b": 0})])
        found = organization.scored(health_select(health))
        assert (found[little]["score"], found[little]["band"]) == (None, None)
        assert (found[enough]["score"], found[enough]["band"]) == (Decimal("0.0"), "critical")

    def test_what_is_too_old_does_not_count(self, raw: psycopg.Connection[Any]) -> None:
        part = replace(by_number("custom.a"), fresh=Freshness("custom.b", 30))
        dates: list[Value] = ["2026-10-23", "2026-10-22", "2026-10-22T23:00:00-02:00", "never"]
        rows: list[Account] = [(None, {"custom.a": 7, "custom.b": at}) for at in dates]
        rows.append((None, {"custom.a": 7}))
        assert_same(Organization(raw), model(part), rows)
        points = [by_python(model(part), row)["points_1"] for row in rows]
        assert points == [7, None, 7, 7, 7]


class TestBands:
    @pytest.mark.parametrize(
        ("number", "shown", "band"),
        [
            (49.9, "49.9", "critical"),
            (49.94, "49.9", "critical"),
            (49.95, "50.0", "at_risk"),
            (50, "50.0", "at_risk"),
            (69.9, "69.9", "at_risk"),
            (69.95, "70.0", "stable"),
            (70.0, "70.0", "stable"),
            (84.9, "84.9", "stable"),
            (85, "85.0", "healthy"),
        ],
    )
    def test_their_edges(
        self, raw: psycopg.Connection[Any], number: float, shown: str, band: str
    ) -> None:
        organization = Organization(raw)
        [account] = organization.keep([(None, {"custom.a": number})])
        told = organization.scored(health_select(model(by_number("custom.a"))))[account]
        assert (str(told["score"]), told["band"]) == (shown, band)


class TestSegments:
    def test_weights_are_those_of_the_accounts_segment(self, raw: psycopg.Connection[Any]) -> None:
        health = model(by_number("custom.a", 1), by_number("custom.b", 1), growth={"custom-a": 3})
        fields: dict[str, Value] = {"custom.a": 100, "custom.b": 0}
        organization = Organization(raw)
        growth, other, none = organization.keep(
            [("growth", fields), ("unheard-of", fields), (None, fields)]
        )
        found = organization.scored(health_select(health, SEGMENT))
        assert [found[each]["score"] for each in (growth, other, none)] == [75, 50, 50]


@pytest.mark.anyio
class TestInAnOrganization:
    async def test_the_app_asks_and_sees_its_own_accounts_only(self, db: Database) -> None:
        ours, theirs = await factories.organization(db), await factories.organization(db, "Initech")
        fields: dict[str, Value] = {"custom.a": 62.5, "custom.b": "low"}
        account = await factories.account(db, ours, fields=fields)
        await factories.account(db, theirs, fields=fields)
        health = health_select(
            model(by_number("custom.a", 1), by_table("custom.b", 1, {"low": 90}))
        )
        async with db.reading(ours) as session:
            rows = await session.ask(health.prepared(), parameters(ours.org, NOW))
        [row] = rows
        assert row == (account, 1, Decimal("76.3"), "stable", 2, 2, Decimal("62.5"), Decimal("90"))

    async def test_some_accounts_can_be_chosen(self, db: Database) -> None:
        org = await factories.organization(db)
        chosen = await factories.account(db, org, fields={"custom.a": 10})
        await factories.account(db, org, "Hooli", fields={"custom.a": 20})
        only = STATISTICS.account_id == bindparam("account", type_=STATISTICS.account_id.type)
        health = health_select(model(by_number("custom.a")), only=only)
        async with db.reading(org) as session:
            rows = await session.ask(
                health.prepared(), {**parameters(org.org, NOW), "account": chosen}
            )
        assert [(row[0], row[2]) for row in rows] == [(chosen, Decimal("10.0"))]
