"""When a step opens and is due: every anchor, in elapsed and in business time."""

from __future__ import annotations

import pytest

from domain.calendars import plain_calendar
from domain.playbook.definition import Anchor, Definition, Duration, TimeSpec, Value
from domain.playbook.times import instant_of_field
from tests.domain.playbook.definitions import (
    after,
    before,
    berlin,
    business_days,
    business_hours,
    days,
    hours,
    of_steps,
    phase,
    playbook,
    task,
    utc,
    weeks,
    within,
)
from tests.domain.playbook.scenario import Scenario, scenario

RENEWAL = "account.renewal_date"


def due(spec: TimeSpec) -> Definition:
    return of_steps(task("call", due=spec))


class TestElapsed:
    def test_from_the_start(self) -> None:
        run = scenario(due(after(Anchor.start, hours(48)))).starts()
        run.expects_due("call", "2026-03-04 09:00")

    def test_from_the_start_of_its_phase(self) -> None:
        call = task("call", after=("note",), due=after(Anchor.phase_start, hours(48)))
        rescue = playbook(phase("one", task("mail")), phase("two", task("note"), call))
        run = scenario(rescue).starts().fast_forward(days=3).completes("mail")
        run.fast_forward(hours=5).completes("note").expects_due("call", "2026-03-07 09:00")

    def test_before_the_end_of_its_phase(self) -> None:
        call = task("call", due=before(Anchor.phase_end, days(2)))
        run = scenario(playbook(phase("one", call, ends=weeks(1)))).starts()
        run.expects_due("call", "2026-03-07 09:00")

    def test_from_its_own_opening(self) -> None:
        call = task("call", due=within(hours(4)), opens=after(Anchor.start, days(1)))
        run = scenario(of_steps(call)).starts().fast_forward(days=1)
        run.expects_due("call", "2026-03-03 13:00")

    def test_from_the_close_of_another_step(self) -> None:
        plan = task("plan", after=("call",), due=after(Anchor.step, days(3), "call"))
        run = scenario(of_steps(task("call"), plan)).starts().fast_forward(hours=7)
        run.completes("call").expects_due("plan", "2026-03-05 16:00")

    def test_before_a_date_of_the_account(self) -> None:
        run = scenario(due(before(Anchor.field, days(60), RENEWAL)))
        run.knowing({RENEWAL: "2026-06-01"}).starts().expects_due("call", "2026-04-02 00:00")

    def test_never_before_its_own_opening(self) -> None:
        call = task("call", due=after(Anchor.start, hours(1)), opens=after(Anchor.start, days(1)))
        run = scenario(of_steps(call)).starts().fast_forward(days=1)
        run.expects_due("call", "2026-03-03 09:00").expects_breach("call", "2026-03-03 09:00")

    def test_a_day_is_24_hours_also_when_the_clock_changes(self) -> None:
        run = scenario(due(within(days(1)))).by_calendar(berlin()).at("2026-03-28 08:00").starts()
        run.expects_due("call", "2026-03-29 08:00")


class TestDatesOfTheAccount:
    BY_DATE = due(before(Anchor.field, days(60), RENEWAL))

    def test_an_unknown_date_leaves_it_without_a_due_time_until_it_is_known(self) -> None:
        run = scenario(self.BY_DATE).starts().expects_due("call", None).expects_at_rest()
        run.learns({RENEWAL: "2026-06-01"}).expects_due("call", "2026-04-02 00:00")

    def test_a_step_that_opens_by_an_unknown_date_comes_up_when_it_is_known(self) -> None:
        call = task("call", opens=before(Anchor.field, days(90), RENEWAL))
        run = scenario(of_steps(call, task("mail"))).starts().expects_open("mail")
        run.learns({RENEWAL: "2026-06-29"}).at("2026-03-31 00:00").expects_open("call", "mail")

    def test_it_moves_with_the_date(self) -> None:
        run = scenario(self.BY_DATE).knowing({RENEWAL: "2026-06-01"}).starts()
        run.learns({RENEWAL: "2026-07-01"}).expects_due("call", "2026-05-02 00:00")
        run.at("2026-05-01 23:59").expects_no_breach().fast_forward(minutes=1)
        run.expects_breach("call", "2026-05-02 00:00")

    def test_the_opening_of_a_step_to_come_moves_with_the_date(self) -> None:
        call = task("call", opens=before(Anchor.field, days(60), RENEWAL))
        run = scenario(of_steps(call, task("mail"))).knowing({RENEWAL: "2026-06-01"}).starts()
        run.learns({RENEWAL: "2026-05-04"}).at("2026-03-04 23:59").expects_open("mail")
        run.at("2026-03-05 00:00").expects_open("call", "mail")

    def test_a_date_that_moves_into_the_past_makes_it_due_now(self) -> None:
        run = scenario(self.BY_DATE).knowing({RENEWAL: "2026-06-01"}).starts()
        run.at("2026-03-10 12:00").learns({RENEWAL: "2026-04-01"})
        run.expects_breach("call", "2026-03-10 12:00").expects_escalation(1)
        assert not any(made.late for made in run.news)

    def test_a_missed_date_that_moves_ahead_is_missed_no_more(self) -> None:
        run = scenario(self.BY_DATE).knowing({RENEWAL: "2026-06-01"}).starts()
        run.at("2026-04-05 00:00").learns({RENEWAL: "2026-07-01"})
        assert run.step("call").breached_at is None
        run.at("2026-05-02 00:00").expects_breach("call", "2026-05-02 00:00").expects_escalation(1)

    def test_data_that_is_no_date_stops_nothing(self) -> None:
        for value in ("soon", 5, True, "9999-12-31", "0001-01-01T00:00:00+05:00", "2040-01-01"):
            run = scenario(self.BY_DATE).by_calendar(berlin()).knowing({RENEWAL: value}).starts()
            run.expects_open("call").learns({RENEWAL: "2026-06-01"})
            run.expects_due("call", "2026-04-01 22:00")

    @pytest.mark.parametrize(
        ("value", "instant"),
        [
            ("2026-07-01", "2026-06-30 22:00"),  # local midnight
            ("2026-07-01T10:00:00", "2026-07-01 10:00"),
            ("2026-07-01T10:00:00+05:00", "2026-07-01 05:00"),
        ],
    )
    def test_a_bare_date_is_its_local_midnight(self, value: Value, instant: str) -> None:
        assert instant_of_field(value, berlin()) == utc(instant)

    def test_nothing_else_is_a_date(self) -> None:
        for value in (None, True, 20260701, "", "tomorrow"):
            assert instant_of_field(value, plain_calendar()) is None


class TestBusinessTime:
    def started(self, at: str, duration: Duration, *holidays: str) -> Scenario:
        rescue = due(within(duration))
        return scenario(rescue).by_calendar(berlin(*holidays)).at(at).starts()

    def test_over_a_weekend(self) -> None:
        friday = self.started("2026-03-06 15:00", business_hours(4))  # 16:00 in Berlin
        friday.expects_due("call", "2026-03-09 11:00")
        self.started("2026-03-06 15:00", business_days(2)).expects_due("call", "2026-03-10 15:00")

    def test_over_the_change_of_the_clock(self) -> None:
        friday = self.started("2026-03-27 09:00", business_days(1))  # 10:00 in Berlin
        friday.expects_due("call", "2026-03-30 08:00")  # 10:00 again

    def test_over_easter(self) -> None:
        thursday = self.started("2026-04-02 08:00", business_days(1), "2026-04-03", "2026-04-06")
        thursday.expects_due("call", "2026-04-07 08:00")

    def test_begun_at_night_it_counts_from_the_opening(self) -> None:
        night = self.started("2026-03-02 22:00", business_hours(2))
        night.expects_due("call", "2026-03-03 10:00")

    def test_before_a_date_of_the_account(self) -> None:
        rescue = due(before(Anchor.field, business_days(2), RENEWAL))
        run = scenario(rescue).by_calendar(berlin()).knowing({RENEWAL: "2026-06-01"})
        run.starts().expects_due("call", "2026-05-27 15:00")  # the closing of Wednesday

    def test_phases_reminders_and_levels_count_in_it_too(self) -> None:
        call = task(
            "call", due=after(Anchor.phase_start, business_hours(8)), reminders=(business_hours(4),)
        )
        rescue = playbook(phase("one", task("mail")), phase("two", call, starts=business_days(5)))
        run = scenario(rescue).by_calendar(berlin()).at("2026-03-02 08:00").starts()
        run.at("2026-03-09 08:00").expects_open("mail", "call")
        run.expects_due("call", "2026-03-09 16:00")
        run.fast_forward(hours=6).expects_reminders("2026-03-09 12:00")
