"""A condition has one meaning: SQL and Python give the same truth for every row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from db.conditions import NOW as NOW_PARAMETER
from db.conditions import truth_of
from domain.conditions import instant_of
from domain.errors import Invalid
from domain.playbook.definition import AllOf, AnyOf, Compare, Condition, Not, Op, StepIs, Value
from tests.db.judging import assert_agreement, connection, judged

__all__ = ["connection"]

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
F = "health.score"

NUMBERS: list[object] = [
    0, -0.0, 1, 2, 7, 14, 49.999999999999, 50, 69.99999999999999, 70, 70.0, 70.00000000000001,
    85, -15, 0.1, 0.30000000000000004, 5e-324, -5e-324, 2.2250738585072014e-308, 1e15, 1e16,
    1.7976931348623157e308, -1.7976931348623157e308, 2**53, 2**53 + 1, 2**60, 1.152921504606847e18,
    2**63 - 1, -(2**63), 2**64 - 1,
]  # fmt: skip
INSTANTS = [
    "2026-11-22", "2026-11-21", "2026-11-23", "2026-12-22", "2026-12-23", "2026-10-23",
    "2026-10-22", "2024-02-29", "2000-02-29", "0001-01-01", "0099-12-31", "9999-12-31",
    "2026-11-22T13:00", "2026-11-22 13:00:00", "2026-11-22T13:00:00Z", "2026-11-22T13:00:00.000001",
    "2026-11-22T12:59:59.999999Z", "2026-11-22T12:59:59.9999999Z", "2026-11-22T13:00:00.0000005Z",
    "2026-11-22T13:00:00.123456789+00:00", "2026-11-22T14:00:00+01:00", "2026-11-22T14:00+01",
    "2026-11-22T18:30:00+0530", "2026-11-23T04:59-08:00", "2026-11-22T00:30+15:59",
    "2026-11-22T23:30:00-15:59", "2026-12-22T13:00:00Z", "2026-12-22T13:00:00.000001Z",
    "2026-10-23T13:00:00Z", "2026-10-23T12:59:59.999999Z", "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00-15:59", "0001-01-02T00:00:00+15:59", "9999-12-31T23:59:59.999999Z",
    "2026-11-22T13:00:00.12345Z", "2026-11-22T13:00:00.123456Z", "2026-11-22T13:00:00+00:00",
    "0001-01-02T00:00:00+00:00", "0009-12-31T23:59:59Z", "9990-01-01T00:00:00.000001+00:00",
    "9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59+15:59", "9999-12-30T23:59:59-15:59",
]  # fmt: skip
NO_INSTANTS = [
    "", " ", "soon", "now", "today", "infinity", "-infinity", "epoch", "20261122", "2026-W47-7",
    "20261122T130000", "2026-11-22T1300", "2026-11-22t13:00", "2026-11-22_13:00", "2026-11-22T13",
    "2026-11-22T13:00z", "2026-11-22T13:00:00,5", "2026-11-22T13:00:00.", "2026-11-22T24:00",
    "2026-11-22T13:60", "2026-11-22T13:00:60", "2026-11-22T13:00:00.1234567890",
    "2026-11-22T13:00+16:00", "2026-11-22T13:00-23:59", "2026-11-22T13:00+01:60",
    "2026-11-22T13:00+01:00:30", "2026-11-22T13:00 UTC", "2026-11-22Z", "2026-11-22+01:00",
    "2026-11-22 ", " 2026-11-22", "2026-11-22\n", "2026-11-22T13:00\n", "2026-02-29", "2025-02-29",
    "1900-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00",
    "2026-01-32", "0000-01-01", "0000-02-29", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00",
    "10000-01-01", "-2026-11-22", "2026-11-22 BC", "22.11.2026", "11/22/2026", "2026/11/22",
    "2026-11-22T13:00:00.12a456Z", "2026-11-22T13:00:00.12.456Z", "2026-11-22T13:00:00x123456Z",
    "2026-11-22T13:00:00.12345 Z", "2026-11-22T13:00:00Z ", "2026-11-22T13:00:00ZZ",
    "2026-11-22T13:00:00.+00:00", "2026-11-22T24:00:00Z", "2026-11-22T13:00:60Z",
    "2026-02-29T13:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00", "294277-1-1",
    "99999-1-01", "infinity  ", "yesterday ", "tomorrow  ", "now       ", "2026-1-022",
    "26-11-22  ", "Nov-22-2026", "22-Nov-2026", "J2461367  ", "22-11-2026", "11-22-2026",
    " 026-11-22T13:00:00Z",
    "\u0662\u0660\u0662\u0666-11-22", "2026\u201311\u201322", "2026-11-22\u00a013:00",
]  # fmt: skip
TEXTS = [
    "customer", "Customer", "customer ", "churned", "70", "1e400", "NaN", "true", "null", "é",
    "e\u0301", "Straße", "\U0001f980", "\u202e", "a'b\"c\\d%s:x$1", "x" * 3000,
]  # fmt: skip
FLAGS: list[object] = [True, False]
OTHERS: list[object] = [None, [], {}, [70], {"a": 70}, [True]]
ACTUAL: list[object] = [*NUMBERS, *INSTANTS, *NO_INSTANTS, *TEXTS, *FLAGS, *OTHERS]

NOT_STORED: list[object] = [
    float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), 2**70, "nul\0", "half \ud800",
]  # fmt: skip
SPANS: list[object] = [-1, 0.5, 29.999999999999996, 30, 30.000000000012, 60, 90, 10**9, 1e300]
LISTS: list[object] = [
    (), ("customer", "churned"), (70, "customer"), (1, 2.0, True), (False,), (float("nan"),),
    (float("nan"), 70), ("nul\0",), ("nul\0", "customer", ""), ("2026-11-22", 2**64 - 1),
    (10**400,),
]  # fmt: skip
WANTED: list[object] = [*NUMBERS, *INSTANTS[:30:3], *NO_INSTANTS[::9], *TEXTS, *FLAGS, None,
                        *NOT_STORED, *SPANS, *LISTS]  # fmt: skip


def comparison(op: Op, wanted: object, field: str = F) -> Compare:
    return Compare(field, op, wanted)  # type: ignore[arg-type]


class TestEveryComparisonOfEveryValue:
    @pytest.mark.parametrize("op", list(Op))
    def test_sql_and_python_agree(self, connection: Connection, op: Op) -> None:
        rows = orjson.dumps([{}, *({F: value} for value in ACTUAL)])
        seen: set[bool | None] = set()
        for first in range(0, len(WANTED), 40):
            conditions = [comparison(op, wanted) for wanted in WANTED[first : first + 40]]
            truths = assert_agreement(connection, conditions, rows, NOW)
            seen.update(each for row in truths for each in row)
        assert seen == {True, False, None}, "what always says the same shows nothing"

    def test_what_an_instant_is(self, connection: Connection) -> None:
        """The exact set: each of these alone, and everything else is no data in both."""
        rows = orjson.dumps([{F: text} for text in (*INSTANTS, *NO_INSTANTS, *TEXTS)])
        is_one = AnyOf((comparison(Op.below, "2026-11-22"), comparison(Op.at_least, "2026-11-22")))
        truths = [row[0] for row in assert_agreement(connection, [is_one], rows, NOW)]
        assert truths == [True] * len(INSTANTS) + [None] * (len(NO_INSTANTS) + len(TEXTS))
        assert all(instant_of(text) is not None for text in INSTANTS)
        assert all(instant_of(text) is None for text in (*NO_INSTANTS, *TEXTS))

    def test_every_day_of_the_calendar_and_no_other(self, connection: Connection) -> None:
        years = (1, 4, 100, 400, 1900, 1996, 2000, 2023, 2024, 2100, 2400, 9996, 9999)
        days = [
            f"{year:04}-{month:02}-{day:02}"
            for year in years
            for month in range(14)
            for day in range(33)
        ]
        rows = orjson.dumps([{F: day} for day in days])
        known = comparison(Op.at_least, "0001-01-01")
        truths = [row[0] for row in assert_agreement(connection, [known], rows, NOW)]
        leaps = sum(y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) for y in years)
        assert truths.count(True) == 365 * len(years) + leaps


class TestNumbersThatNothingCanHold:
    CONDITIONS: ClassVar[list[Compare]] = [
        comparison(op, wanted)
        for op in Op
        if op is not Op.known
        for wanted in (0, 70, 1e308, "a", True, "2026-11-22", (1, "a"))
    ]

    @pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 5000])
    def test_what_is_too_large_is_no_data(self, connection: Connection, number: str) -> None:
        """A foreign hand may store it; Python could not even read it."""
        rows = b'[{"health.score": %s}]' % number.encode()
        [(_, truths)] = judged(connection, self.CONDITIONS, rows, NOW)
        assert set(truths) == {None}

    @pytest.mark.parametrize("number", ["1e-400", "-1e-5000", "1.7976931348623157e308", "1e308"])
    def test_what_is_too_small_is_zero(self, connection: Connection, number: str) -> None:
        rows = b'[{"health.score": %s}]' % number.encode()
        [truths] = assert_agreement(connection, self.CONDITIONS, rows, NOW)
        assert any(truths)  # the values are usable, or no condition would hold

    def test_more_digits_than_a_double_has_count_as_the_double(
        self, connection: Connection
    ) -> None:
        rows = (
            b'[{"health.score": 69.99999999999999999999}, {"health.score": 70.000000000000000001}]'
        )
        conditions = [comparison(Op.below, 70), comparison(Op.equals, 70)]
        assert assert_agreement(connection, conditions, rows, NOW) == [[False, True]] * 2


FIELD_NAMES = st.sampled_from(["a.b", "custom.größe", "it's 100% :x $1 \\", ""])
DAYS_AWAY = st.one_of(st.sampled_from([0, 7, 14, 30, 60, 90]), st.integers(-400, 400))
NUDGES = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)])
ZONES = st.sampled_from(["", "Z", "+00:00", "-00:00", "+01:00", "-0330", "+14", "-15:59", "+16:00"])


@st.composite
def texts_of_instants(draw: st.DrawFn) -> str:
    """Instants around now at the distances that conditions ask for, in any spelling."""
    at = NOW + draw(st.sampled_from([1, -1])) * timedelta(days=draw(DAYS_AWAY)) + draw(NUDGES)
    spelled = draw(
        st.sampled_from([
            f"{at:%Y-%m-%d}", f"{at:%Y-%m-%dT%H:%M}", f"{at:%Y-%m-%d %H:%M:%S}",
            f"{at:%Y-%m-%dT%H:%M:%S.%f}", f"{at:%Y-%m-%dT%H:%M:%S.%f}999",
        ])
    )  # fmt: skip
    return spelled + draw(ZONES)


@st.composite
def almost_instants(draw: st.DrawFn) -> str:
    """An instant with one character put in the place of another, or between two."""
    text = draw(texts_of_instants())
    at = draw(st.integers(0, len(text)))
    put = draw(st.sampled_from(list("0123459 -+:.,TtZzW\n\u0663")))
    return text[:at] + put + text[at + draw(st.integers(0, 1)) :]


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
STORED: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-100, 100),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
    texts_of_instants(),
    almost_instants(),
    st.sampled_from(ACTUAL),
)
ASKED: st.SearchStrategy[object] = st.one_of(
    STORED.filter(lambda value: not isinstance(value, list | dict)),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(WANTED),
    st.lists(st.one_of(st.integers(), st.floats(), st.booleans(), WORDS), max_size=4).map(tuple),
)
COMPARISONS = st.builds(comparison, st.sampled_from(list(Op)), ASKED, FIELD_NAMES)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(FIELD_NAMES, STORED), min_size=10, max_size=40)
INSTANTS_OF_NOW = st.one_of(
    st.just(NOW),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda ahead: NOW + ahead),
    st.just(datetime(2026, 11, 22, 0, 0, tzinfo=UTC)),
    st.just(datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC)),
)


class TestAnyConditionOfAnyRows:
    @settings(max_examples=100, deadline=None)
    @given(st.lists(CONDITIONS, min_size=3, max_size=8), ROWS, INSTANTS_OF_NOW)
    def test_sql_and_python_agree(
        self,
        connection: Connection,
        conditions: list[Condition],
        rows: list[dict[str, Value]],
        now: datetime,
    ) -> None:
        assert_agreement(connection, conditions, orjson.dumps(rows), now)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.one_of(texts_of_instants(), almost_instants()), min_size=20, max_size=60))
    def test_an_instant_is_the_same_in_every_spelling(
        self, connection: Connection, texts: list[str]
    ) -> None:
        at = ("2026-11-22", "2026-11-22T13:00:00Z", "2026-12-22T13:00:00.000001Z")
        conditions = [
            *(comparison(op, each) for each in at for op in (Op.below, Op.at_most)),
            *(comparison(Op.within_days, days) for days in (7, 14, 30, 60, 90)),
            *(comparison(Op.older_than_days, days) for days in (7, 14, 30, 60, 90)),
        ]
        assert_agreement(connection, conditions, orjson.dumps([{F: t} for t in texts]), NOW)


class TestSteps:
    def test_a_condition_on_a_step_is_refused(self) -> None:
        on_step = Not(AllOf((StepIs("assess", "choice", "intervene"),)))
        with pytest.raises(Invalid) as refused:
            truth_of(on_step, NOW_PARAMETER)
        assert refused.value.code == "condition_on_step"
        assert '"assess"' in refused.value.message
