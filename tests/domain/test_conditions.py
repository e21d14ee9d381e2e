"""Conditions know three truths, and missing data is never taken for an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conditions import evaluate, fields_read, instant_of, truth, turns_after
from domain.playbook.definition import AllOf, AnyOf, Compare, Condition, Not, Op, StepIs, Value

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def judge(
    condition: Condition,
    fields: dict[str, Value] | None = None,
    steps: dict[str, tuple[str | None, str | None]] | None = None,
) -> bool | None:
    return truth(condition, fields or {}, steps or {}, NOW)


def compared(op: Op, actual: Value, wanted: object) -> bool | None:
    assert wanted is None or isinstance(wanted, str | int | float | tuple)
    return judge(Compare("f", op, wanted), {"f": actual})


SCORE_BELOW_70 = Compare("health.score", Op.below, 70)

TRUE = Compare("yes", Op.equals, True)
FALSE = Compare("yes", Op.equals, False)
UNKNOWN = Compare("missing", Op.equals, True)
FIELDS: dict[str, Value] = {"yes": True}


class TestComparisons:
    @pytest.mark.parametrize(
        ("op", "below", "equal", "above"),
        [
            (Op.below, True, False, False),
            (Op.above, False, False, True),
            (Op.at_least, False, True, True),
            (Op.at_most, True, True, False),
            (Op.equals, False, True, False),
            (Op.not_equals, True, False, True),
        ],
    )
    def test_the_threshold_itself(self, op: Op, below: bool, equal: bool, above: bool) -> None:
        assert compared(op, 69.9, 70) is below
        assert compared(op, 70.0, 70) is equal
        assert compared(op, 70.1, 70) is above

    @pytest.mark.parametrize(
        ("op", "actual", "wanted", "expected"),
        [
            (Op.equals, "customer", "customer", True),
            (Op.equals, "churned", "customer", False),
            (Op.not_equals, "churned", "customer", True),
            (Op.equals, True, True, True),
            (Op.equals, True, False, False),
            (Op.one_of, "gold", ("gold", "silver"), True),
            (Op.one_of, "bronze", ("gold", "silver"), False),
            (Op.one_of, 2, (1, 2.0), True),
            (Op.one_of, "gold", (1, "gold"), True),
            (Op.below, "2026-11-01", "2026-12-01", True),
            (Op.above, "2026-11-01T12:00:00+00:00", "2026-11-01", True),
            (Op.known, 0, True, True),
            (Op.known, False, True, True),
            (Op.known, None, True, False),
            (Op.known, None, False, True),
            (Op.known, "x", False, False),
        ],
    )
    def test_values_of_one_type(
        self, op: Op, actual: Value, wanted: object, expected: bool
    ) -> None:
        assert compared(op, actual, wanted) is expected

    @pytest.mark.parametrize(
        ("op", "actual", "wanted"),
        [
            (Op.below, "many", 70),
            (Op.below, 70, "many"),
            (Op.above, True, 0),
            (Op.equals, "70", 70),
            (Op.not_equals, "70", 70),
            (Op.equals, 1, True),
            (Op.equals, True, 1),
            (Op.one_of, 1, ("a", "b")),
            (Op.one_of, True, (1, 2)),
            (Op.below, "alpha", "beta"),
            (Op.above, float("nan"), 0),
            (Op.equals, float("inf"), 70),
            (Op.within_days, 5, 5),
            (Op.within_days, "soon", 5),
            (Op.within_days, "2026-99-99", 5),
            (Op.within_days, "2026-11-25", "5"),
            (Op.older_than_days, True, 5),
            (Op.older_than_days, "0001-01-01T00:00+14:00", 5),
            (Op.known, 1, "yes"),
        ],
    )
    def test_a_wrong_type_is_no_data(self, op: Op, actual: Value, wanted: object) -> None:
        assert compared(op, actual, wanted) is None

    @pytest.mark.parametrize("op", [op for op in Op if op is not Op.known])
    def test_a_missing_field_is_no_data(self, op: Op) -> None:
        condition = Compare("missing", op, 1)
        assert judge(condition) is None
        assert not evaluate(condition, {}, {}, NOW)
        assert not evaluate(Not(condition), {}, {}, NOW)


class TestDates:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("2026-11-21", False),
            ("2026-11-22", True),  # today is not past, at noon either
            ("2027-02-20", True),
            ("2027-02-21", False),
            ("2026-11-22T12:59:59", False),
            ("2026-11-22T13:00:00Z", True),
            ("2026-11-22T13:30:00+01:00", False),
            ("2027-02-20T13:00:00", True),
            ("2027-02-20T13:00:01", False),
        ],
    )
    def test_within_90_days(self, value: str, expected: bool) -> None:
        assert compared(Op.within_days, value, 90) is expected

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("2026-10-22", True),
            ("2026-10-23", False),
            ("2026-12-24", False),
            ("2026-10-23T13:00:00", False),
            ("2026-10-23T12:59:59", True),
        ],
    )
    def test_older_than_30_days(self, value: str, expected: bool) -> None:
        assert compared(Op.older_than_days, value, 30) is expected

    def test_texts_become_instants_in_utc(self) -> None:
        assert instant_of("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
        assert instant_of("2026-11-22T14:00:00+01:00") == NOW
        assert instant_of("2026-11-22T13:00:00") == NOW
        assert instant_of("tomorrow") is None
        assert instant_of(20261122) is None


class TestSteps:
    def test_choice_and_status_of_the_latest_occurrence(self) -> None:
        steps: dict[str, tuple[str | None, str | None]] = {"decide": ("extend", "completed")}
        assert judge(StepIs("decide", "choice", "extend"), steps=steps) is True
        assert judge(StepIs("decide", "choice", "fail"), steps=steps) is False
        assert judge(StepIs("decide", "status", "completed"), steps=steps) is True

    def test_a_step_without_an_answer_is_no_data(self) -> None:
        not_chosen: dict[str, tuple[str | None, str | None]] = {"decide": (None, "open")}
        assert judge(StepIs("decide", "choice", "extend"), steps=not_chosen) is None
        assert judge(Not(StepIs("decide", "choice", "extend")), steps=not_chosen) is None
        assert judge(StepIs("decide", "status", "open")) is None


class TestThreeTruths:
    @pytest.mark.parametrize(
        ("a", "b", "both", "either"),
        [
            (TRUE, TRUE, True, True),
            (TRUE, FALSE, False, True),
            (TRUE, UNKNOWN, None, True),
            (FALSE, FALSE, False, False),
            (FALSE, UNKNOWN, False, None),
            (UNKNOWN, UNKNOWN, None, None),
        ],
    )
    def test_all_and_any(
        self, a: Condition, b: Condition, both: bool | None, either: bool | None
    ) -> None:
        for parts in ((a, b), (b, a)):
            assert judge(AllOf(parts), FIELDS) is both
            assert judge(AnyOf(parts), FIELDS) is either

    def test_not(self) -> None:
        assert judge(Not(TRUE), FIELDS) is False
        assert judge(Not(FALSE), FIELDS) is True
        assert judge(Not(UNKNOWN), FIELDS) is None

    def test_nothing_asked_is_true_and_no_choice_is_false(self) -> None:
        assert judge(AllOf(())) is True
        assert judge(AnyOf(())) is False


class TestFieldsRead:
    def test_every_field_anywhere(self) -> None:
        condition = AllOf(
            (
                AnyOf((SCORE_BELOW_70, Not(Compare("billing.issue", Op.equals, False)))),
                StepIs("decide", "choice", "extend"),
                Compare("start.alert", Op.equals, "payment"),
            )
        )
        assert fields_read(condition) == {"health.score", "billing.issue", "start.alert"}


VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["2026-11-22", "2026-11-22T13:00:00Z", "9999-12-31T23:59:59-14:00"]),
)
FIELD_NAMES = st.sampled_from(["a", "b", "c"])
COMPARISONS = st.builds(
    Compare,
    FIELD_NAMES,
    st.sampled_from(list(Op)),
    st.one_of(VALUES, st.tuples(st.integers(), st.text(max_size=3), st.floats())),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    COMPARISONS,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
FIELD_SETS = st.dictionaries(FIELD_NAMES, VALUES)


class TestAlways:
    @given(CONDITIONS, FIELD_SETS)
    def test_no_value_raises_and_not_is_never_true_beside_its_condition(
        self, condition: Condition, fields: dict[str, Value]
    ) -> None:
        plain, turned = judge(condition, fields), judge(Not(condition), fields)
        assert (plain, turned) in {(True, False), (False, True), (None, None)}
        assert evaluate(condition, fields, {}, NOW) is (plain is True)

    @given(CONDITIONS, FIELD_SETS, VALUES)
    def test_only_the_fields_read_matter(
        self, condition: Condition, fields: dict[str, Value], other: Value
    ) -> None:
        read = fields_read(condition)
        only_read = {name: value for name, value in fields.items() if name in read}
        more = only_read | {"unread": other}
        assert judge(condition, fields) is judge(condition, only_read) is judge(condition, more)

    @given(CONDITIONS, CONDITIONS, FIELD_SETS)
    def test_de_morgan(self, a: Condition, b: Condition, fields: dict[str, Value]) -> None:
        assert judge(Not(AllOf((a, b))), fields) is judge(AnyOf((Not(a), Not(b))), fields)

    @given(CONDITIONS, FIELD_SETS)
    def test_learning_a_field_never_turns_an_answer_over(
        self, condition: Condition, fields: dict[str, Value]
    ) -> None:
        """Without `known`, what is judged with less data stays so with more."""
        if "known" in repr(condition):
            return
        for name in list(fields):
            with_less = judge(condition, fields | {name: None})
            if with_less is not None:
                assert judge(condition, fields) is with_less

    @given(st.integers(0, 400), st.integers(0, 400))
    def test_a_date_is_within_as_many_days_as_it_is_ahead(self, ahead: int, limit: int) -> None:
        day = (NOW + timedelta(days=ahead)).date().isoformat()
        assert compared(Op.within_days, day, limit) is (ahead <= limit)
        past = (NOW - timedelta(days=ahead)).date().isoformat()
        assert compared(Op.older_than_days, past, limit) is (ahead > limit)


DATES = st.integers(-100 * 86400, 100 * 86400).flatmap(
    lambda seconds: st.sampled_from(
        [
            (NOW + timedelta(seconds=seconds)).date().isoformat(),
            (NOW + timedelta(seconds=seconds)).isoformat(),
        ]
    )
)
DATE_CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.builds(
        Compare,
        FIELD_NAMES,
        st.sampled_from([Op.within_days, Op.older_than_days]),
        st.one_of(st.integers(0, 60), st.floats(0, 60)),
    ),
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(AllOf, st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


class TestTurns:
    @pytest.mark.parametrize(
        ("op", "value", "expected"),
        [
            (Op.within_days, "2027-03-01", "2027-01-30T00:00:00"),
            (Op.within_days, "2026-11-30", "2026-12-01T00:00:00"),
            (Op.within_days, "2026-11-30T10:00:00", "2026-11-30T10:00:01"),
            (Op.within_days, "2026-11-01", None),
            (Op.older_than_days, "2026-11-01", "2026-12-02T00:00:00"),
            (Op.older_than_days, "2026-11-01T10:00:00", "2026-12-01T10:00:01"),
            (Op.older_than_days, "2026-10-01", None),
            (Op.older_than_days, "soon", None),
            (Op.equals, "2026-11-30", None),
        ],
    )
    def test_time_alone_turns_what_counts_30_days(
        self, op: Op, value: str, expected: str | None
    ) -> None:
        turn = turns_after(Compare("f", op, 30), {"f": value}, NOW)
        assert turn == (instant_of(expected) if expected else None)

    @given(
        DATE_CONDITIONS,
        st.dictionaries(FIELD_NAMES, DATES),
        st.integers(0, 200 * 86400),
    )
    def test_before_the_turn_the_truth_stays(
        self, condition: Condition, fields: dict[str, Value], seconds: int
    ) -> None:
        later = NOW + timedelta(seconds=seconds)
        turn = turns_after(condition, fields, NOW)
        if turn is None or later < turn:
            assert truth(condition, fields, {}, later) is truth(condition, fields, {}, NOW)
        else:
            assert turn > NOW
            just_before = turn - timedelta(seconds=1)
            assert truth(condition, fields, {}, just_before) is truth(condition, fields, {}, NOW)
