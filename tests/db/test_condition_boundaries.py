"""Every number of the seeds on its boundary and beside it, by SQL and by Python alike."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import Connection

from domain.playbook.definition import Condition
from domain.segments import parse_segments
from tests.db.judging import assert_agreement, connection

__all__ = ["connection"]

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)

NUMBERS = [
    # seed and section, condition, field, what it is not true for, what it is true for
    ("002, Critical Alert Triggers 1: 14 consecutive days", "at_least: 14", "usage.inactive_days",
     [0, 7, 13, 13.999], [14, 14.0, 15, 400]),
    ("PLAYBOOKS A, becoming-inactive: 7 to 13 days, our choice", "at_least: 7",
     "usage.inactive_days", [0, 6, 6.999], [7, 13, 14]),
    ("002, At-Risk Account Management: score below 70", "below: 70", "health.score",
     [70, 70.0, 70.1, 100], [69.9, 69.99999999999999, 50, 49.9, 0]),
    ("002, Resolution Phase 1: recovered is more than 70", "above: 70", "health.score",
     [69.9, 70, 70.0], [70.00000000000001, 70.1, 100]),
    ("002, Critical Alert Triggers 2: score below 50", "below: 50", "health.score",
     [50, 50.0, 50.1, 70], [49.9, 49.99999999999999, 0]),
    ("002, bands: at risk begins at 50", "at_least: 50", "health.score", [49.9], [50, 69.9]),
    ("002, bands: stable begins at 70", "at_least: 70", "health.score", [69.9], [70, 84.9]),
    ("002, bands: healthy begins at 85", "at_least: 85", "health.score", [84.9], [85, 100]),
    ("002, Expansion gates: score above 85", "above: 85", "health.score",
     [84.9, 85, 85.0], [85.1, 100]),
    ("002, Monthly review: fell by more than 15 points", "below: -15", "health.change_30d",
     [15, 0, -14.9, -15, -15.0], [-15.1, -15.000000000000002, -40]),
    ("002, Monthly review: rose by more than 15 points", "above: 15", "health.change_30d",
     [-15.1, 14.9, 15, 15.0], [15.1, 40]),
    ("002, Expansion triggers: 80 % of a limit", "at_least: 80", "usage.limit_ratio",
     [0.8, 79, 79.9], [80, 80.0, 85, 120]),
    ("002, Expansion triggers: for two consecutive months", "at_least: 2", "usage.months_at_80",
     [0, 1], [2, 3]),
    ("002, Expansion needs: 85 % of capacity", "at_least: 85", "usage.limit_ratio",
     [80, 84.9], [85, 85.0, 100]),
    ("002, NPS: a detractor answers 0 to 6", "at_most: 6", "nps.last_score", [7, 8, 9, 10], [0, 6]),
    ("002, NPS: a promoter answers 9 or 10", "at_least: 9", "nps.last_score", [0, 7, 8], [9, 10]),
    ("004, Education: 5 tickets in 30 days, our choice", "at_least: 5", "ticket.count_30d",
     [0, 4], [5, 6]),
]  # fmt: skip

DATES = [
    ("000, Renewal Preparation: the next 90 days", "within: 90 days", "account.renewal_date",
     ["2026-11-21", "2027-02-21", "2026-11-22T12:59:59.999999Z", "2027-02-20T13:00:00.000001Z"],
     ["2026-11-22", "2027-02-20", "2026-11-22T13:00:00Z", "2027-02-20T13:00:00Z",
      "2027-02-20T09:30:00-03:30"]),
    ("002, Survey Cadence: 60 days before renewal", "within: 60 days", "account.renewal_date",
     ["2027-01-22", "2027-01-21T13:00:01Z"], ["2027-01-21", "2027-01-21T13:00:00Z"]),
    ("000, Milestone tracking: 30 days ahead", "within: 30 days", "account.renewal_date",
     ["2026-12-23", "2026-12-22T13:00:00.000001Z"], ["2026-12-22", "2026-12-22T13:00:00Z"]),
    ("000, Morning Account Review and 004, last touch: older than 30 days", "older_than: 30 days",
     "touch.last_at",
     ["2026-11-22", "2026-10-23", "2026-10-23T13:00:00Z", "2027-01-01"],
     ["2026-10-22", "2026-10-23T12:59:59.999999Z", "2026-10-23T13:59:59+01:00"]),
    ("001, silent account: 14 days, our choice", "older_than: 14 days", "touch.last_two_way_at",
     ["2026-11-08", "2026-11-08T13:00:00Z"], ["2026-11-07", "2026-11-08T12:59:59Z"]),
    ("001, silent account: 60 days, our choice", "older_than: 60 days", "touch.last_two_way_at",
     ["2026-09-23", "2026-09-23T13:00:00Z"], ["2026-09-22", "2026-09-23T12:59:59Z"]),
    ("000, first 90 days; 002, tenure of more than 90 days", "older_than: 90 days",
     "account.customer_since",
     ["2026-08-24", "2026-08-24T13:00:00Z"], ["2026-08-23", "2026-08-24T12:59:59Z"]),
    ("002, Survey: non-responders after 7 days", "older_than: 7 days", "custom.asked_at",
     ["2026-11-15", "2026-11-15T13:00:00Z"], ["2026-11-14", "2026-11-15T12:59:59.999999Z"]),
    ("002, Survey: 7 days, written as a week", "older_than: 1 week", "custom.asked_at",
     ["2026-11-15", "2026-11-15T13:00:00Z"], ["2026-11-14", "2026-11-15T12:59:59.999999Z"]),
]  # fmt: skip


def written(comparison: str, field: str) -> Condition:
    """As a person writes it in YAML."""
    text = f"it: {{name: It, when: {{field: {field}, {comparison}}}}}"
    return parse_segments(text, "it.yaml")["it"].condition


@pytest.mark.parametrize(
    ("source", "comparison", "field", "not_for", "for_"),
    [*NUMBERS, *DATES],
    ids=[source for source, *_ in (*NUMBERS, *DATES)],
)
def test_true_on_the_boundary_and_not_beside_it(
    connection: Connection,
    source: str,
    comparison: str,
    field: str,
    not_for: list[object],
    for_: list[object],
) -> None:
    rows = [{field: value} for value in (*not_for, *for_)]
    nothing = [{}, {field: None}, {field: "soon"}, {field: True}, {field: []}]
    truths = assert_agreement(
        connection, [written(comparison, field)], orjson.dumps([*rows, *nothing]), NOW
    )
    assert [row[0] for row in truths] == (
        [False] * len(not_for) + [True] * len(for_) + [None] * len(nothing)
    ), source
