"""A health model is read from YAML, or every fault is told with its place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Finding, HealthModelInvalid
from domain.health.model import (
    By,
    Component,
    Freshness,
    HealthModel,
    Point,
    Row,
    SegmentWeights,
    Weight,
    content_hash,
    model_from_json,
    model_to_json,
)
from domain.health.parse import COMPONENT, HEALTH, SEGMENT, parse_health_model
from domain.health.standard import TEXT, standard_model
from domain.playbook.fields import FIELDS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "health-model.md"
JUNK = (
    "",
    " ",
    "\n",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "null",
    "0",
    "-1",
    "1e9",
    "true",
    '"',
    "\x00",
)
SEGMENTS = ("high-value", "growth")
RIGHT = """\
health: ours
name: Our own
least_known: 30
components:
  - component: recency
    title: Recency
    weight: 3
    field: usage.last_active_at
    by_age: [[1, 100], [14, 30.5]]
    says: "used {} days ago"
    source: seed 002
  - {component: nps, title: NPS, weight: 2, field: nps.last_score, by_number: [[0, 0], [10, 100]]}
  - {component: pulse, title: Pulse, weight: 1, field: pulse.last, by_text: {low: 90, high: 10}}
  - component: billing
    title: Billing
    weight: 1
    field: billing.issue_open
    by_flag: {when_true: 0, when_false: 100}
    fresh: {field: nps.last_at, days: 90}
segments:
  - segment: growth
    weights: {nps: 0, pulse: 4}
"""


def faults(text: str) -> list[Finding]:
    with pytest.raises(HealthModelInvalid) as refused:
        parse_health_model(text, "health.yaml", SEGMENTS)
    assert refused.value.code == "health_model_invalid"
    return refused.value.findings


def test_all_of_it_is_read() -> None:
    assert parse_health_model(RIGHT, "health.yaml", SEGMENTS) == HealthModel(
        key="ours",
        name="Our own",
        least_known=30,
        components=(
            Component(
                key="recency",
                title="Recency",
                weight=3,
                field="usage.last_active_at",
                by=By.age,
                curve=(Point(1, 100), Point(14, 30.5)),
                says="used {} days ago",
                source="seed 002",
            ),
            Component("nps", "NPS", 2, "nps.last_score", By.number, (Point(0, 0), Point(10, 100))),
            Component(
                "pulse", "Pulse", 1, "pulse.last", By.text, table=(Row("low", 90), Row("high", 10))
            ),
            Component(
                "billing",
                "Billing",
                1,
                "billing.issue_open",
                By.flag,
                table=(Row(True, 0), Row(False, 100)),
                fresh=Freshness("nps.last_at", 90),
            ),
        ),
        segments=(SegmentWeights("growth", (Weight("nps", 0), Weight("pulse", 4))),),
    )


@pytest.mark.parametrize(
    ("before", "after", "code", "line", "column"),
    [
        ("usage.last_active_at", "usage.last_activ_at", "unknown_field", 8, 12),
        ("usage.last_active_at", "usage.inactive_days", "field_type", 8, 12),
        ("nps.last_score", "health.score", "own_field", 12, 52),
        ("[[1, 100], [14, 30.5]]", "[[14, 100], [14, 30.5]]", "curve_order", 9, 13),
        ("[[1, 100], [14, 30.5]]", "[[14, 100], [1, 30.5]]", "curve_order", 9, 13),
        ("[[1, 100], [14, 30.5]]", "[[1, 100]]", "list_length", 9, 13),
        ("[[1, 100], [14, 30.5]]", "[[1, 100], [14]]", "bad_point", 9, 24),
        ("[14, 30.5]", "[14, 100.5]", "number_range", 9, 29),
        ("[14, 30.5]", "[14.5, 30]", "number_range", 9, 25),
        ("weight: 3", "weight: -3", "number_range", 7, 13),
        ("weight: 3", "weight: 2.5", "number_range", 7, 13),
        ("least_known: 30", "least_known: 0", "number_range", 3, 14),
        ("used {} days ago", "used days ago", "bad_words", 10, 11),
        ("component: nps,", "component: recency,", "duplicate_component", 12, 17),
        ("nps.last_at", "nps.last_score", "field_type", 19, 12),
        ("segment: growth", "segment: grow", "unknown_segment", 21, 14),
        ("pulse: 4", "puls: 4", "unknown_component", 22, 23),
        ("by_flag: {when_true: 0, when_false: 100}", "source: x", "bad_component", 14, 5),
        ("{when_true: 0, when_false: 100}", "{when_true: 0}", "missing_key", 18, 14),
        ("name: Our own\n", "", "missing_key", 1, 1),
        ("title: NPS", "titel: NPS", "unknown_key", 12, 22),
    ],
)
def test_a_fault_says_where(before: str, after: str, code: str, line: int, column: int) -> None:
    assert RIGHT.count(before) == 1
    found = faults(RIGHT.replace(before, after))
    assert (code, line, column) in [(each.code, each.line, each.column) for each in found]
    assert all(each.fix for each in found)


def test_a_model_without_weight_is_refused_as_a_whole_and_by_segment() -> None:
    none = RIGHT
    for weight in "321":
        none = none.replace(f"weight: {weight}", "weight: 0")
    assert [each.code for each in faults(none)] == ["no_weight"]
    of_segment = RIGHT.replace("{nps: 0, pulse: 4}", "{recency: 0, nps: 0, pulse: 0, billing: 0}")
    assert [(each.code, each.line) for each in faults(of_segment)] == [("no_weight", 22)]


def test_all_faults_are_told_at_once_in_their_order() -> None:
    text = RIGHT.replace("usage.last_active_at", "nps.nothing").replace("growth", "shrinking")
    assert [each.code for each in faults(text)] == ["unknown_field", "unknown_segment"]


@pytest.mark.parametrize("text", ["", "- a", "a: &b 1", "\t", "health: [", "health: {a: 1}"])
def test_what_is_no_model_is_refused(text: str) -> None:
    assert faults(text)


@given(st.integers(0, len(RIGHT)), st.integers(0, 40), st.sampled_from(JUNK))
def test_whatever_comes_in_gives_a_model_or_faults(start: int, length: int, junk: str) -> None:
    text = RIGHT[:start] + junk + RIGHT[start + length :]
    try:
        model = parse_health_model(text, "health.yaml", SEGMENTS)
    except HealthModelInvalid as refused:
        assert all(each.line >= 1 and each.column >= 1 for each in refused.findings)
    else:
        assert model_from_json(model_to_json(model)) == model


def test_the_reference_shows_a_right_model_and_names_every_key() -> None:
    text = REFERENCE.read_text("utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert parse_health_model(example, "reference.yaml", SEGMENTS).key == "ours"
    keys = {key.name for block in (HEALTH, COMPONENT, SEGMENT) for key in block.keys}
    assert {key for key in keys if f"`{key}`" not in text and f"{key}:" not in text} == set()


class TestJson:
    @pytest.mark.parametrize("text", [RIGHT, TEXT])
    def test_there_and_back(self, text: str) -> None:
        model = parse_health_model(text, "health.yaml", SEGMENTS)
        assert model_from_json(model_to_json(model)) == model

    def test_the_hash_is_of_the_content_and_not_of_its_version(self) -> None:
        model = standard_model()
        assert content_hash(replace(model, version=7)) == content_hash(model)
        assert content_hash(replace(model, least_known=41)) != content_hash(model)
        assert content_hash(model_from_json(model_to_json(model))) == content_hash(model)


class TestTheStandardModel:
    def test_weighs_100_in_all(self) -> None:
        assert sum(standard_model().weights(None)) == 100

    def test_reads_fields_that_are_known(self) -> None:
        assert set(standard_model().reads()) <= set(FIELDS)

    def test_says_of_each_number_where_it_comes_from(self) -> None:
        model = standard_model()
        for each in (model.source, *(part.source for part in model.components)):
            assert "our choice" in each
        assert all("seed" in part.source for part in model.components)
        assert all(part.says for part in model.components)

    def test_covers_every_component_of_the_playbooks(self) -> None:
        """PLAYBOOKS.md B, "weighted health score"."""
        kinds = {field.split(".")[0] for field in standard_model().reads()}
        assert kinds == {
            "usage",
            "ticket",
            "nps",
            "pulse",
            "touch",
            "billing",
            "milestone",
            "goal",
            "deal",
            "task",
        }
