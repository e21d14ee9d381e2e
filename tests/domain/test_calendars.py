"""Business time: counted in open minutes and working days, whatever clocks and holidays do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.calendars import (
    CalendarSnapshot,
    OffsetChange,
    WorkingHours,
    add,
    is_working,
    local,
    next_working_instant,
    plain_calendar,
    subtract,
    utc_of,
    working_seconds,
)
from domain.errors import Invalid
from domain.playbook.definition import Duration, Unit

NINE_TO_FIVE = tuple(WorkingHours(weekday, 9 * 60, 17 * 60) for weekday in range(5))
ROUND_THE_CLOCK = tuple(WorkingHours(weekday, 0, 24 * 60) for weekday in range(7))
WITH_A_BREAK = tuple(
    WorkingHours(weekday, opens, closes)
    for weekday in range(5)
    for opens, closes in ((8 * 60, 12 * 60), (13 * 60, 17 * 60))
)
SHORT_FRIDAY = (*NINE_TO_FIVE[:4], WorkingHours(4, 9 * 60, 13 * 60))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BERLIN_OFFSETS = (
    OffsetChange(utc("2026-01-01 00:00"), 3600),
    OffsetChange(utc("2026-03-29 01:00"), 7200),
    OffsetChange(utc("2026-10-25 01:00"), 3600),
    OffsetChange(utc("2027-03-28 01:00"), 7200),
    OffsetChange(utc("2027-10-31 01:00"), 3600),
)
NEW_YORK_OFFSETS = (
    OffsetChange(utc("2026-01-01 00:00"), -18000),
    OffsetChange(utc("2026-03-08 07:00"), -14400),
    OffsetChange(utc("2026-11-01 06:00"), -18000),
    OffsetChange(utc("2027-03-14 07:00"), -14400),
    OffsetChange(utc("2027-11-07 06:00"), -18000),
)
Move = Callable[[datetime, Duration, CalendarSnapshot], datetime]
CHRISTMAS = (date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1))


def berlin(
    hours: tuple[WorkingHours, ...] = NINE_TO_FIVE, holidays: tuple[date, ...] = CHRISTMAS
) -> CalendarSnapshot:
    return CalendarSnapshot(
        "berlin", "Europe/Berlin", BERLIN_OFFSETS, hours, holidays, utc("2028-01-01 00:00")
    )


def new_york(hours: tuple[WorkingHours, ...] = NINE_TO_FIVE) -> CalendarSnapshot:
    return CalendarSnapshot(
        "new-york", "America/New_York", NEW_YORK_OFFSETS, hours, CHRISTMAS, utc("2028-01-01 00:00")
    )


def days(amount: int) -> Duration:
    return Duration(amount, Unit.business_day)


def hours(amount: int) -> Duration:
    return Duration(amount, Unit.business_hour)


def at(text: str, calendar: CalendarSnapshot) -> datetime:
    """The instant of a local time, as a person would name it."""
    return utc_of(datetime.fromisoformat(text), calendar)


CALENDARS = st.sampled_from(
    [
        plain_calendar(),
        berlin(),
        berlin(WITH_A_BREAK),
        berlin(SHORT_FRIDAY),
        berlin(ROUND_THE_CLOCK),
        new_york(),
        new_york(ROUND_THE_CLOCK),
    ]
)
CALENDARS_CLOSED_AT_NIGHT = st.sampled_from(
    [plain_calendar(), berlin(), berlin(WITH_A_BREAK), berlin(SHORT_FRIDAY), new_york()]
)
INSTANTS = st.integers(0, 540 * 86400).map(
    lambda seconds: utc("2026-02-01 00:00") + timedelta(seconds=seconds)
)
AMOUNTS = st.integers(0, 40)
UNITS = st.sampled_from(list(Unit))
BUSINESS_UNITS = st.sampled_from([Unit.business_day, Unit.business_hour])


class TestElapsed:
    @pytest.mark.parametrize(
        ("unit", "seconds"),
        [(Unit.minute, 60), (Unit.hour, 3600), (Unit.day, 86400), (Unit.week, 604800)],
    )
    def test_units_are_exact_seconds_whatever_the_clock_does(
        self, unit: Unit, seconds: int
    ) -> None:
        before_spring = utc("2026-03-28 12:00")
        later = add(before_spring, Duration(3, unit), berlin())
        assert (later - before_spring).total_seconds() == 3 * seconds
        assert subtract(later, Duration(3, unit), berlin()) == before_spring

    def test_elapsed_time_needs_no_hours_and_no_horizon(self) -> None:
        empty = berlin(hours=())
        assert add(utc("2027-12-31 00:00"), Duration(8, Unit.week), empty) == utc(
            "2028-02-25 00:00"
        )

    def test_an_amount_past_all_calendars_is_refused(self) -> None:
        with pytest.raises(Invalid) as caught:
            add(utc("2026-06-01 00:00"), Duration(10**9, Unit.week), plain_calendar())
        assert caught.value.code == "calendar_horizon"


class TestBusinessDays:
    @pytest.mark.parametrize(
        ("begin", "amount", "end"),
        [
            ("2026-11-27 16:00", 1, "2026-11-30 16:00"),  # Friday to Monday
            ("2026-11-23 10:30", 2, "2026-11-25 10:30"),
            ("2026-11-28 12:00", 0, "2026-11-30 09:00"),  # Saturday
            ("2026-11-28 12:00", 1, "2026-12-01 09:00"),
            ("2026-11-27 17:00", 1, "2026-12-01 09:00"),  # the closing is not working time
            ("2026-11-27 07:00", 1, "2026-11-30 09:00"),
            ("2026-12-24 16:00", 1, "2026-12-28 16:00"),  # Christmas, then a weekend
            ("2026-12-25 11:00", 1, "2026-12-29 09:00"),
            ("2026-12-31 16:00", 1, "2027-01-04 16:00"),
            ("2026-03-27 16:00", 1, "2026-03-30 16:00"),  # clocks go forward
            ("2026-10-23 16:00", 1, "2026-10-26 16:00"),  # clocks go back
        ],
    )
    def test_they_keep_the_local_clock_time(self, begin: str, amount: int, end: str) -> None:
        assert add(at(begin, berlin()), days(amount), berlin()) == at(end, berlin())

    def test_a_weekend_with_a_clock_change_is_an_hour_shorter_or_longer(self) -> None:
        spring, autumn = at("2026-03-06 12:00", new_york()), at("2026-10-30 12:00", new_york())
        assert add(spring, days(1), new_york()) - spring == timedelta(hours=71)
        assert add(autumn, days(1), new_york()) - autumn == timedelta(hours=73)

    def test_a_shorter_day_holds_them_to_its_closing(self) -> None:
        calendar = berlin(SHORT_FRIDAY)
        thursday = at("2026-11-26 16:00", calendar)
        assert add(thursday, days(1), calendar) == at("2026-11-27 13:00", calendar)
        assert add(thursday, days(2), calendar) == at("2026-11-30 16:00", calendar)

    def test_a_day_that_opens_later_holds_them_to_its_opening(self) -> None:
        calendar = berlin((WorkingHours(0, 8 * 60, 17 * 60), WorkingHours(1, 10 * 60, 17 * 60)))
        assert add(at("2026-11-23 08:30", calendar), days(1), calendar) == at(
            "2026-11-24 10:00", calendar
        )

    def test_a_break_holds_them_to_its_nearer_end(self) -> None:
        calendar = berlin((WorkingHours(0, 8 * 60, 17 * 60), *WITH_A_BREAK[2:4]))
        assert add(at("2026-11-23 12:30", calendar), days(1), calendar) == at(
            "2026-11-24 13:00", calendar
        )
        wednesday = berlin((*WITH_A_BREAK[2:4], WorkingHours(2, 8 * 60, 17 * 60)))
        assert subtract(at("2026-11-25 12:30", wednesday), days(1), wednesday) == at(
            "2026-11-24 12:00", wednesday
        )

    def test_a_time_that_the_clock_skips_becomes_the_moment_of_the_change(self) -> None:
        calendar = berlin(ROUND_THE_CLOCK, holidays=())
        saturday = at("2026-03-28 02:30", calendar)
        assert add(saturday, days(1), calendar) == utc("2026-03-29 01:00")

    @pytest.mark.parametrize(
        ("begin", "amount", "end"),
        [
            ("2026-11-30 16:00", 1, "2026-11-27 16:00"),
            ("2026-11-30 09:00", 1, "2026-11-27 09:00"),
            ("2026-11-29 12:00", 0, "2026-11-27 17:00"),
            ("2026-11-29 12:00", 1, "2026-11-26 17:00"),
            ("2026-12-28 10:00", 1, "2026-12-24 10:00"),
        ],
    )
    def test_they_are_counted_backwards_too(self, begin: str, amount: int, end: str) -> None:
        assert subtract(at(begin, berlin()), days(amount), berlin()) == at(end, berlin())


class TestBusinessHours:
    @pytest.mark.parametrize(
        ("begin", "amount", "end"),
        [
            ("2026-11-27 16:00", 1, "2026-11-27 17:00"),  # the closing, not Monday's opening
            ("2026-11-27 16:00", 2, "2026-11-30 10:00"),
            ("2026-11-27 16:30", 16, "2026-12-01 16:30"),
            ("2026-11-28 12:00", 0, "2026-11-30 09:00"),
            ("2026-12-24 15:00", 4, "2026-12-28 11:00"),
        ],
    )
    def test_only_open_time_counts(self, begin: str, amount: int, end: str) -> None:
        assert add(at(begin, berlin()), hours(amount), berlin()) == at(end, berlin())

    def test_a_break_does_not_count(self) -> None:
        calendar = berlin(WITH_A_BREAK)
        assert add(at("2026-11-23 11:00", calendar), hours(2), calendar) == at(
            "2026-11-23 14:00", calendar
        )
        assert subtract(at("2026-11-23 14:00", calendar), hours(2), calendar) == at(
            "2026-11-23 11:00", calendar
        )

    def test_they_are_counted_backwards_to_an_opening(self) -> None:
        assert subtract(at("2026-11-30 10:00", berlin()), hours(1), berlin()) == at(
            "2026-11-30 09:00", berlin()
        )
        assert subtract(at("2026-11-30 10:00", berlin()), hours(2), berlin()) == at(
            "2026-11-27 16:00", berlin()
        )

    def test_a_night_with_a_clock_change_has_23_or_25_hours(self) -> None:
        calendar = berlin(ROUND_THE_CLOCK, holidays=())
        spring = (at("2026-03-29 00:00", calendar), at("2026-03-30 00:00", calendar))
        autumn = (at("2026-10-25 00:00", calendar), at("2026-10-26 00:00", calendar))
        assert working_seconds(*spring, calendar) == 23 * 3600
        assert working_seconds(*autumn, calendar) == 25 * 3600

    def test_overlapping_hours_count_once(self) -> None:
        calendar = berlin((WorkingHours(0, 540, 900), WorkingHours(0, 600, 1020)))
        monday = at("2026-11-23 00:00", calendar)
        assert working_seconds(monday, monday + timedelta(days=1), calendar) == 8 * 3600


class TestWorkingTime:
    @pytest.mark.parametrize(
        ("instant", "working"),
        [
            ("2026-11-23 09:00", True),
            ("2026-11-23 16:59:59", True),
            ("2026-11-23 17:00", False),
            ("2026-11-23 08:59:59", False),
            ("2026-11-22 12:00", False),
            ("2026-12-25 12:00", False),
        ],
    )
    def test_is_half_open_and_knows_weekends_and_holidays(
        self, instant: str, working: bool
    ) -> None:
        assert is_working(at(instant, berlin()), berlin()) is working

    def test_seconds_backwards_are_negative(self) -> None:
        friday, monday = at("2026-11-27 16:00", berlin()), at("2026-11-30 10:00", berlin())
        assert working_seconds(friday, monday, berlin()) == 7200
        assert working_seconds(monday, friday, berlin()) == -7200

    def test_the_plain_calendar_works_on_weekdays_from_nine_to_five_in_utc(self) -> None:
        assert next_working_instant(utc("2026-11-21 03:00"), plain_calendar()) == utc(
            "2026-11-23 09:00"
        )
        assert (
            working_seconds(utc("2026-11-23 00:00"), utc("2026-11-30 00:00"), plain_calendar())
            == 5 * 8 * 3600
        )


class TestRefusals:
    @pytest.mark.parametrize("unit", [Unit.business_day, Unit.business_hour])
    @pytest.mark.parametrize("move", [add, subtract])
    def test_a_calendar_without_hours_is_refused(self, unit: Unit, move: Move) -> None:
        with pytest.raises(Invalid) as caught:
            move(utc("2026-11-23 10:00"), Duration(1, unit), berlin(hours=()))
        assert caught.value.code == "calendar_empty"

    @pytest.mark.parametrize("unit", [Unit.business_day, Unit.business_hour])
    @pytest.mark.parametrize("move", [add, subtract])
    def test_an_amount_past_what_is_known_is_refused(self, unit: Unit, move: Move) -> None:
        with pytest.raises(Invalid) as caught:
            move(utc("2026-11-23 10:00"), Duration(10**6, unit), berlin())
        assert caught.value.code == "calendar_horizon"

    def test_a_calendar_of_nothing_but_holidays_ends_at_its_horizon(self) -> None:
        begin = date(2026, 11, 1)
        closed = tuple(begin + timedelta(days=day) for day in range(500))
        with pytest.raises(Invalid) as caught:
            add(utc("2026-11-23 10:00"), days(0), berlin(holidays=closed))
        assert caught.value.code == "calendar_horizon"

    def test_local_time_past_the_horizon_is_refused(self) -> None:
        with pytest.raises(Invalid) as caught:
            local(utc("2028-01-01 00:01"), berlin())
        assert caught.value.code == "calendar_horizon"


class TestAlways:
    @given(CALENDARS, INSTANTS, INSTANTS, AMOUNTS, UNITS)
    def test_business_time_keeps_the_order_of_instants(
        self, calendar: CalendarSnapshot, a: datetime, b: datetime, amount: int, unit: Unit
    ) -> None:
        # Two passings of one clock time (autumn, at night) have no order in clock times.
        assume(unit is not Unit.business_day or calendar.hours[0].opens > 0)
        first, second = sorted((a, b))
        duration = Duration(amount, unit)
        assert add(first, duration, calendar) <= add(second, duration, calendar)
        assert subtract(first, duration, calendar) <= subtract(second, duration, calendar)

    @given(CALENDARS, INSTANTS, AMOUNTS, AMOUNTS, UNITS)
    def test_more_is_later(
        self, calendar: CalendarSnapshot, begin: datetime, less: int, more: int, unit: Unit
    ) -> None:
        less, more = sorted((less, more))
        sooner = add(begin, Duration(less, unit), calendar)
        assert begin <= sooner <= add(begin, Duration(more, unit), calendar)

    @given(CALENDARS, INSTANTS, AMOUNTS)
    def test_adding_hours_adds_that_much_open_time(
        self, calendar: CalendarSnapshot, begin: datetime, amount: int
    ) -> None:
        assert working_seconds(begin, add(begin, hours(amount), calendar), calendar) == (
            amount * 3600
        )
        assert working_seconds(subtract(begin, hours(amount), calendar), begin, calendar) == (
            amount * 3600
        )

    @given(CALENDARS, INSTANTS, st.integers(1, 40))
    def test_hours_taken_back_lead_to_the_same_working_instant(
        self, calendar: CalendarSnapshot, begin: datetime, amount: int
    ) -> None:
        begin = next_working_instant(begin, calendar)
        assert subtract(add(begin, hours(amount), calendar), hours(amount), calendar) == begin

    @given(
        st.sampled_from([plain_calendar(), berlin(), berlin(WITH_A_BREAK), new_york()]),
        INSTANTS,
        AMOUNTS,
    )
    def test_days_taken_back_lead_to_the_same_working_instant(
        self, calendar: CalendarSnapshot, begin: datetime, amount: int
    ) -> None:
        begin = next_working_instant(begin, calendar)
        assert subtract(add(begin, days(amount), calendar), days(amount), calendar) == begin

    @given(CALENDARS_CLOSED_AT_NIGHT, INSTANTS, AMOUNTS, AMOUNTS)
    def test_days_and_then_days_are_all_the_days_where_days_are_alike(
        self, calendar: CalendarSnapshot, begin: datetime, a: int, b: int
    ) -> None:
        assume(calendar.hours != SHORT_FRIDAY)
        in_two = add(add(begin, days(a), calendar), days(b), calendar)
        assert in_two == add(begin, days(a + b), calendar)

    @given(CALENDARS, INSTANTS)
    def test_the_next_working_instant_is_working_and_nothing_before_it_is(
        self, calendar: CalendarSnapshot, begin: datetime
    ) -> None:
        found = next_working_instant(begin, calendar)
        assert is_working(found, calendar)
        assert working_seconds(begin, found, calendar) == 0
        assert (found == begin) is is_working(begin, calendar)

    @given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
    def test_open_time_adds_up(
        self, calendar: CalendarSnapshot, a: datetime, b: datetime, c: datetime
    ) -> None:
        whole = working_seconds(a, c, calendar)
        parts = working_seconds(a, b, calendar) + working_seconds(b, c, calendar)
        assert whole == pytest.approx(parts, abs=1e-5)

    @given(CALENDARS, INSTANTS)
    @example(berlin(), utc("2026-03-29 00:59:59"))
    @example(berlin(), utc("2026-03-29 01:00"))
    @example(berlin(), utc("2026-10-25 00:30"))
    @example(berlin(), utc("2026-10-25 01:30"))
    def test_local_time_leads_back_to_its_first_passing(
        self, calendar: CalendarSnapshot, instant: datetime
    ) -> None:
        back = utc_of(local(instant, calendar), calendar)
        assert local(back, calendar) == local(instant, calendar)
        assert back in (instant, instant - timedelta(hours=1))

    @given(CALENDARS, INSTANTS, INSTANTS)
    def test_local_times_keep_their_order(
        self, calendar: CalendarSnapshot, a: datetime, b: datetime
    ) -> None:
        first, second = sorted((a.replace(tzinfo=None), b.replace(tzinfo=None)))
        assert utc_of(first, calendar) <= utc_of(second, calendar)
