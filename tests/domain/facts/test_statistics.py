"""What facts make of an account's fields: on each boundary and beside it, in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from domain.facts.fact import Fact
from domain.facts.statistics import fields_of
from domain.playbook.definition import Value
from domain.playbook.fields import FIELDS

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def fact(
    kind: str,
    ago: timedelta,
    *,
    known: timedelta | None = None,
    corrects: UUID | None = None,
    **content: Value,
) -> Fact:
    at = NOW - ago
    return Fact(uuid4(), kind, at, at if known is None else NOW - known, content, corrects)


def usage(ago: timedelta, **content: Value) -> Fact:
    return Fact(uuid4(), "usage.recorded", NOW - ago, NOW - ago, content)


def field(name: str, *facts: Fact) -> Value:
    return fields_of(facts, NOW).get(name)


class TestTickets:
    def test_what_is_open_urgent_and_frustrated(self) -> None:
        facts = [
            fact("ticket.opened", days(9), ticket="1", priority="low"),
            fact("ticket.updated", days(8), ticket="1", priority="urgent"),
            fact("ticket.opened", days(7), ticket="2", priority="critical", sentiment="frustrated"),
            fact("ticket.opened", days(6), ticket="3", priority="critical", sentiment="frustrated"),
            fact("ticket.resolved", days(5), ticket="3"),
            fact("ticket.updated", days(4), ticket="3", satisfaction=2),
        ]
        assert fields_of(facts, NOW) == {
            "ticket.open": 2,
            "ticket.urgent_open": 2,
            "ticket.frustrated_open": 1,
            "ticket.count_30d": 3,
            "ticket.resolution_hours": 24.0,
        }

    @pytest.mark.parametrize(("ago", "hours"), [(days(90), None), (days(90) - SECOND, 48.0)])
    def test_hours_to_resolve_of_90_days(self, ago: timedelta, hours: float | None) -> None:
        opened = fact("ticket.opened", ago + days(2), ticket="1")
        resolved = fact("ticket.resolved", ago, ticket="1")
        again = fact("ticket.updated", days(1), ticket="1", status="open")
        assert field("ticket.resolution_hours", opened, resolved) == hours
        assert field("ticket.resolution_hours", opened, resolved, again) is None

    def test_the_median_of_the_hours(self) -> None:
        facts = [
            one
            for key, hours in (("1", 1), ("2", 100), ("3", 4))
            for one in (
                fact("ticket.opened", timedelta(days=9, hours=hours), ticket=key),
                fact("ticket.resolved", days(9), ticket=key),
            )
        ]
        assert field("ticket.resolution_hours", *facts) == 4.0

    def test_a_status_closes_and_opens_again(self) -> None:
        opened = fact("ticket.opened", days(3), ticket="1")
        closed = fact("ticket.updated", days(2), ticket="1", status="closed")
        again = fact("ticket.updated", days(1), ticket="1", status="pending")
        assert field("ticket.open", opened, closed) == 0
        assert field("ticket.open", opened, closed, again) == 1

    def test_opened_and_resolved_at_one_instant_is_resolved(self) -> None:
        both = [fact(f"ticket.{what}", days(1), ticket="1") for what in ("resolved", "opened")]
        assert field("ticket.open", *both) == 0

    @pytest.mark.parametrize(("ago", "count"), [(days(30), 0), (days(30) - SECOND, 1)])
    def test_the_window_of_30_days(self, ago: timedelta, count: int) -> None:
        assert field("ticket.count_30d", fact("ticket.opened", ago, ticket="1")) == count


class TestTouches:
    @pytest.mark.parametrize(("ago", "responsive"), [(days(30), True), (days(30) + SECOND, False)])
    def test_responsive_for_30_days(self, ago: timedelta, responsive: bool) -> None:
        reply = fact("touch.reply", ago)
        sent = fact("touch.mail", days(1), direction="outbound")
        assert field("account.responsive", reply, sent) is responsive
        assert field("touch.last_at", reply, sent) == (NOW - days(1)).isoformat()
        assert field("touch.last_two_way_at", reply, sent) == (NOW - ago).isoformat()

    @pytest.mark.parametrize(
        ("kind", "content", "answered"),
        [
            ("touch.call", {}, True),
            ("touch.call", {"two_way": False}, False),
            ("touch.meeting", {}, True),
            ("touch.mail", {}, False),
            ("touch.mail", {"direction": "inbound"}, True),
            ("touch.reply", {"two_way": False}, True),
        ],
    )
    def test_which_touch_has_an_answer(
        self, kind: str, content: dict[str, Value], answered: bool
    ) -> None:
        touch = Fact(uuid4(), kind, NOW - days(1), NOW, content)
        assert field("account.responsive", touch) is answered

    @pytest.mark.parametrize(
        ("kinds", "rate"),
        [
            (("mail", "mail", "mail", "reply"), 33.3),
            (("reply",), 100.0),
            (("mail", "call", "meeting"), 66.7),
            (("mail",), 0.0),
            ((), None),
        ],
    )
    def test_how_many_of_ours_are_answered(
        self, kinds: tuple[str, ...], rate: float | None
    ) -> None:
        inbound = fact("touch.call", days(3), direction="inbound")
        facts = [fact(f"touch.{kind}", days(2)) for kind in kinds]
        old = [fact("touch.mail", days(90)) for _ in range(5)]
        assert field("touch.response_rate", inbound, *facts, *old) == rate
        assert field("touch.count_90d", inbound, *facts, *old) == len(kinds) + 1


class TestSurveys:
    def test_the_last_answer_and_the_change(self) -> None:
        facts = [
            fact("survey.response", days(90), survey="nps-quarterly", score=9),
            fact("survey.response", days(2), survey="nps-quarterly", score=6),
            fact("survey.response", days(1), survey="csat", score=1),
            fact("survey.no_response", days(1), survey="nps-quarterly"),
        ]
        at = (NOW - days(2)).isoformat()
        assert fields_of(facts, NOW) == {
            "nps.last_score": 6,
            "nps.change": -3,
            "nps.last_at": at,
        }
        assert "nps.change" not in fields_of(facts[1:], NOW)


class TestBilling:
    @pytest.mark.parametrize(
        ("kinds", "is_open"),
        [
            (("issued",), False),
            (("issued", "failed"), True),
            (("issued", "disputed"), True),
            (("failed", "paid"), False),
            (("paid", "disputed"), True),
        ],
    )
    def test_an_issue_is_open_until_paid(self, kinds: tuple[str, ...], is_open: bool) -> None:
        facts = [
            fact(f"invoice.{kind}", days(9 - place), invoice="I-1")
            for place, kind in enumerate(kinds)
        ]
        assert field("billing.issue_open", *facts) is is_open

    @pytest.mark.parametrize(
        ("due", "overdue"), [(days(-5), 0), (days(0), 0), (days(1) - SECOND, 0), (days(1), 1)]
    )
    def test_overdue_by_whole_days(self, due: timedelta, overdue: int) -> None:
        due_at = (NOW - due).isoformat()
        issued = fact("invoice.issued", days(30), invoice="I-1", due_at=due_at)
        assert field("billing.overdue_days", issued) == overdue

    def test_without_a_due_date_there_is_no_data(self) -> None:
        failed = fact("invoice.failed", days(3), invoice="I-1")
        assert field("billing.overdue_days", failed) is None
        assert field("billing.overdue_days", fact("invoice.paid", days(3), invoice="I-1")) == 0


class TestActivity:
    @pytest.mark.parametrize(("ago", "inactive"), [(days(14), 14), (days(14) - SECOND, 13)])
    def test_14_days_without_use(self, ago: timedelta, inactive: int) -> None:
        facts = [usage(ago, active_users=3), usage(days(2), active_users=0, events=0)]
        assert field("usage.inactive_days", *facts) == inactive
        assert field("usage.last_active_at", *facts) == (NOW - ago).isoformat()

    def test_never_used_counts_from_the_first_word_of_it(self) -> None:
        facts = [usage(days(20), events=0), usage(days(2), events=0)]
        assert fields_of(facts, NOW)["usage.inactive_days"] == 20
        assert field("usage.last_active_at", *facts) is None

    def test_limits_alone_say_nothing_of_use(self) -> None:
        assert field("usage.inactive_days", usage(days(20), limit_ratio=90)) is None

    def test_events_against_the_30_days_before(self) -> None:
        facts = [
            usage(days(60) - SECOND, events=100),
            usage(days(30), events=100),  # the last instant of the earlier window
            usage(days(30) - SECOND, events=110),
        ]
        assert field("usage.change_30d", *facts) == -45.0

    def test_no_use_at_all_is_a_fall_by_100(self) -> None:
        assert field("usage.change_30d", usage(days(59.5), events=10)) == -100.0

    def test_what_has_just_begun_has_not_grown(self) -> None:
        facts = [usage(days(58), events=1), usage(days(1), events=50)]
        assert field("usage.change_30d", *facts) is None

    def test_people_where_events_are_not_said(self) -> None:
        facts = [
            usage(days(59), active_users=10),
            usage(days(40), active_users=30),
            usage(days(3), active_users=25),
        ]
        assert field("usage.change_30d", *facts) == 25.0


def months(*ratios: float | None) -> list[Fact]:
    """A report in the middle of each month, the last for November 2026."""
    first = 12 - len(ratios)
    return [
        Fact(
            uuid4(),
            "usage.recorded",
            datetime(2026, first + place, 15, tzinfo=UTC),
            NOW,
            {"limit_ratio": ratio},
        )
        for place, ratio in enumerate(ratios)
        if ratio is not None
    ]


class TestLimits:
    @pytest.mark.parametrize(
        ("ratios", "count"),
        [
            ((80, 80), 2),  # PLAYBOOKS.md A, expansion: 80 per cent or above for 2+ months
            ((79.9, 80), 1),
            ((80, 79.9), 0),
            ((90, 79, 95), 1),
            ((90, None, 95), 1),
            ((85, 85, 85, 85), 4),
            ((95, None), 0),
        ],
    )
    def test_consecutive_months_at_80(self, ratios: tuple[float | None, ...], count: int) -> None:
        assert field("usage.months_at_80", *months(*ratios)) == count

    def test_a_month_counts_once_it_is_over(self) -> None:
        facts = months(80, 80)
        before = fields_of(
            [Fact(f.id, f.kind, f.happened_at, f.happened_at, f.content) for f in facts],
            NOW - SECOND,
        )
        assert before["usage.months_at_80"] == 1

    def test_one_high_day_is_not_a_month(self) -> None:
        facts = [usage(days(20), limit_ratio=100), usage(days(10), limit_ratio=40)]
        assert field("usage.months_at_80", *facts) == 0

    def test_the_highest_of_several_limits(self) -> None:
        facts = [
            usage(days(5), limit_ratio=95, feature="storage"),
            usage(days(4), limit_ratio=60, feature="storage"),
            usage(days(3), limit_ratio=70, feature="seats"),
        ]
        assert field("usage.limit_ratio", *facts) == 70


class TestSeats:
    @pytest.mark.parametrize(("ago", "change"), [(days(90), 4), (days(90) - SECOND, None)])
    def test_against_90_days_ago(self, ago: timedelta, change: int | None) -> None:
        facts = [usage(ago, seats_used=10), usage(days(1), seats_used=14, teams=3)]
        assert field("seats.change_90d", *facts) == change
        assert field("usage.seats_used", *facts) == 14
        assert field("usage.teams", *facts) == 3


class TestOthers:
    def test_open_requests_for_a_higher_plan(self) -> None:
        facts = [
            fact("feature.requested", days(9), feature="sso", premium=True),
            fact("feature.requested", days(8), feature="sso", premium=True),
            fact("feature.requested", days(8), feature="audit", premium=True),
            fact("feature.requested", days(7), feature="audit", status="delivered"),
            fact("feature.requested", days(6), feature="dark-mode"),
        ]
        assert field("request.premium_open", *facts) == 1

    def test_the_last_pulse_and_stage(self) -> None:
        facts = [
            fact("pulse.recorded", days(3), risk="high"),
            fact("pulse.recorded", days(4), risk="low"),
            fact("stage.changed", days(2), stage="churned"),
            fact("stage.changed", days(3), stage="customer"),
        ]
        assert fields_of(facts, NOW) == {
            "pulse.last": "high",
            "pulse.last_at": (NOW - days(3)).isoformat(),
            "account.stage": "churned",
        }

    @pytest.mark.parametrize(("late", "expected"), [(days(3), 3), (days(3) - SECOND, 2)])
    def test_a_milestone_is_late_until_reached(self, late: timedelta, expected: int) -> None:
        due_at = (NOW - late).isoformat()
        planned = fact("milestone.planned", days(20), milestone="first-value", due_at=due_at)
        reached = fact("milestone.reached", days(1), milestone="first-value")
        assert field("milestone.late_days", planned) == expected
        assert field("milestone.late_days", planned, reached) == 0

    def test_nothing_is_known_of_what_nobody_delivers(self) -> None:
        assert fields_of([], NOW) == {}
        assert fields_of([fact("custom.webinar", days(1), seats=3)], NOW) == {}


class TestKnowing:
    def test_what_became_known_later_is_not_known_yet(self) -> None:
        late = fact("pulse.recorded", days(9), known=days(2), risk="high")
        assert fields_of([late], NOW - days(2) - SECOND) == {}
        assert fields_of([late], NOW - days(2))["pulse.last"] == "high"

    def test_a_correction_takes_the_place_once_it_is_known(self) -> None:
        wrong = fact("survey.response", days(9), survey="nps", score=2)
        right = fact(
            "survey.response", days(9), known=days(1), corrects=wrong.id, survey="nps", score=8
        )
        again = fact(
            "survey.response", days(9), known=days(0), corrects=right.id, survey="nps", score=9
        )
        assert fields_of([wrong, right], NOW - days(2))["nps.last_score"] == 2
        assert fields_of([right, wrong], NOW)["nps.last_score"] == 8
        made = fields_of([again, right, wrong], NOW)
        assert (made["nps.last_score"], "nps.change" in made) == (9, False)

    @pytest.mark.parametrize("seed", range(10))
    def test_any_order_of_arrival_gives_the_same(self, seed: int) -> None:
        facts = [
            *months(70, 80, 90),
            *(usage(days(n), events=n % 5, seats_used=n, active_users=n % 3) for n in range(95)),
            *(fact("ticket.opened", days(n % 7), ticket=str(n % 5)) for n in range(20)),
            *(fact("ticket.resolved", days(n % 4), ticket=str(n)) for n in range(3)),
            *(fact("pulse.recorded", days(1), risk=risk) for risk in ("low", "high", "medium")),
            fact("touch.call", days(1)),
            fact("stage.changed", days(4), stage="customer"),
        ]
        expected = fields_of(facts, NOW)
        shuffled = [Fact(uuid4(), f.kind, f.happened_at, f.known_at, f.content) for f in facts]
        Random(seed).shuffle(shuffled)
        assert fields_of(shuffled, NOW) == expected
        assert set(expected) <= set(FIELDS)
