"""Segments are read with every fault in its place, and tell who came and who went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PlaybookInvalid
from domain.playbook.definition import AllOf, Compare, Op, Subject
from domain.segments import Segment, moved, parse_segments

SILENT = """
silent:
  name: Silent accounts
  source: our choice
  touch_every: 2 weeks
  when: {all: [{field: touch.last_two_way_at, older_than: 30 days}]}
champions:
  name: Champions
  subject: contact
  when: {field: custom.kind, is: champion}
"""

MEMBERS = st.frozensets(st.integers(0, 9))


class TestMoved:
    def test_who_enters_and_who_leaves(self) -> None:
        found = moved(frozenset({"stays", "leaves"}), frozenset({"stays", "enters"}))
        assert found.entered == {"enters"}
        assert found.left == {"leaves"}

    @given(MEMBERS, MEMBERS)
    def test_moves_lead_from_before_to_after_and_back(
        self, before: frozenset[int], after: frozenset[int]
    ) -> None:
        there, back = moved(before, after), moved(after, before)
        assert (before | there.entered) - there.left == after
        assert not there.entered & there.left
        assert (there.entered, there.left) == (back.left, back.entered)


class TestParsing:
    def test_a_segment_as_it_is_written(self) -> None:
        segments = parse_segments(SILENT, "segments.yaml")
        assert segments["silent"] == Segment(
            key="silent",
            name="Silent accounts",
            condition=AllOf((Compare("touch.last_two_way_at", Op.older_than_days, 30),)),
            subject=Subject.account,
            touch_days=14,
            source="our choice",
        )
        assert segments["champions"].subject is Subject.contact
        assert segments["champions"].touch_days is None

    @pytest.mark.parametrize(
        ("line", "put", "code", "at"),
        [
            ("touch_every: 2 weeks", "touch_every: 12 hours", "bad_touch_frequency", 5),
            ("touch_every: 2 weeks", "touch_every: 0 days", "bad_touch_frequency", 5),
            ("touch_every: 2 weeks", "touch_every: often", "bad_time", 5),
            ("touch_every: 2 weeks", "touch_evry: 2 weeks", "unknown_key", 5),
            ("subject: contact", "subject: team", "unknown_subject", 9),
            ("subject: contact", "subject: planet", "unknown_subject", 9),
            ("field: touch.last_two_way_at", "field: touch.last_too_way_at", "unknown_field", 6),
            ("older_than: 30 days", "above: 30", "field_type", 6),
            ("{field: custom.kind, is: champion}", "{step: a, choice: b}", "condition_on_step", 10),
            ("{field: custom.kind, is: champion}", "{field: start.a, is: b}", "unknown_field", 10),
            ("{field: custom.kind, is: champion}", "{all: []}", "list_length", 10),
            ("  name: Champions\n", "", "missing_key", 8),
        ],
    )
    def test_a_fault_is_told_in_its_place(self, line: str, put: str, code: str, at: int) -> None:
        assert line in SILENT
        with pytest.raises(PlaybookInvalid) as refused:
            parse_segments(SILENT.replace(line, put), "segments.yaml")
        assert (code, at) in {(each.code, each.line) for each in refused.value.findings}
