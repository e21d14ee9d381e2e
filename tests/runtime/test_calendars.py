"""Snapshots agree with the zone database and the public holidays they were made from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendars import CalendarSnapshot, WorkingHours, add, is_working, local, utc_of
from domain.errors import Invalid
from domain.playbook.definition import Duration, Unit
from runtime.calendars import LOOK_BACK, snapshot

START = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)
OFFICE_HOURS = tuple(WorkingHours(weekday, 9 * 60, 17 * 60) for weekday in range(5))
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Africa/Casablanca",  # changes around Ramadan
    "Asia/Kathmandu",  # UTC+05:45
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Chatham",
    "UTC",
)


def made(
    timezone: str,
    country: str | None = None,
    subdivision: str | None = None,
    hours: tuple[WorkingHours, ...] = OFFICE_HOURS,
    extra: tuple[date, ...] = (),
    removed: tuple[date, ...] = (),
) -> CalendarSnapshot:
    return snapshot("test", timezone, country, subdivision, hours, extra, removed, START)


SNAPSHOTS = {timezone: made(timezone) for timezone in ZONES}


class TestOffsets:
    @given(st.sampled_from(ZONES), st.integers(-400 * 86400, 800 * 86400))
    def test_local_time_is_what_the_zone_database_says(self, zone: str, seconds: int) -> None:
        instant = START + timedelta(seconds=seconds)
        expected = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert local(instant, SNAPSHOTS[zone]) == expected

    @given(st.sampled_from(ZONES), st.integers(-390 * 86400, 790 * 86400))
    def test_a_local_time_that_exists_means_the_instant_the_zone_database_says(
        self, zone: str, seconds: int
    ) -> None:
        wall = (START + timedelta(seconds=seconds)).replace(tzinfo=None)
        expected = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall:
            assert utc_of(wall, SNAPSHOTS[zone]) == expected
        else:
            assert utc_of(wall, SNAPSHOTS[zone]) in {
                change.at for change in SNAPSHOTS[zone].offsets
            }

    @pytest.mark.parametrize(
        ("zone", "changes"),
        [
            ("Europe/Berlin", ["2026-03-29 01:00", "2026-10-25 01:00", "2027-03-28 01:00"]),
            ("America/New_York", ["2026-03-08 07:00", "2026-11-01 06:00", "2027-03-14 07:00"]),
        ],
    )
    def test_clock_changes_are_found_to_the_second(self, zone: str, changes: list[str]) -> None:
        after_start = [change.at for change in SNAPSHOTS[zone].offsets if change.at > START]
        expected = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in changes]
        assert after_start[: len(expected)] == expected

    def test_neighbouring_offsets_differ(self) -> None:
        for calendar in SNAPSHOTS.values():
            offsets = [change.offset for change in calendar.offsets]
            assert all(a != b for a, b in pairwise(offsets))

    def test_a_working_day_across_a_clock_change_keeps_its_clock(self) -> None:
        berlin = SNAPSHOTS["Europe/Berlin"]
        friday = datetime(2026, 3, 27, 16, tzinfo=ZoneInfo("Europe/Berlin"))
        monday = datetime(2026, 3, 30, 16, tzinfo=ZoneInfo("Europe/Berlin"))
        due = add(friday.astimezone(UTC), Duration(1, Unit.business_day), berlin)
        assert due == monday.astimezone(UTC)


class TestHolidays:
    def test_christmas_is_closed_in_germany_and_epiphany_only_where_it_is_kept(self) -> None:
        berlin, bavaria = made("Europe/Berlin", "DE", "BE"), made("Europe/Berlin", "DE", "BY")
        assert {date(2026, 12, 25), date(2026, 12, 26)} <= set(berlin.holidays)
        assert date(2027, 1, 6) in bavaria.holidays
        assert date(2027, 1, 6) not in berlin.holidays

    def test_an_observed_day_is_closed_in_the_united_states(self) -> None:
        # The fourth of July 2026 is a Saturday.
        assert date(2026, 7, 3) in made("America/New_York", "US").holidays

    def test_own_days_are_added_and_taken_away(self) -> None:
        company_day, open_day = date(2026, 8, 14), date(2026, 12, 26)
        calendar = made("Europe/Berlin", "DE", extra=(company_day,), removed=(open_day,))
        assert company_day in calendar.holidays
        assert open_day not in calendar.holidays
        assert not is_working(datetime(2026, 8, 14, 10, tzinfo=UTC), calendar)

    def test_they_are_sorted_and_reach_from_the_look_back_to_the_horizon(self) -> None:
        calendar = made("Europe/Berlin", "DE")
        assert list(calendar.holidays) == sorted(set(calendar.holidays))
        assert calendar.horizon == START + timedelta(days=800)
        assert calendar.holidays[0] >= (START - LOOK_BACK).date() - timedelta(days=1)
        assert date(2027, 12, 25) in calendar.holidays
        assert date(2025, 5, 1) in calendar.holidays

    def test_no_country_has_no_holidays(self) -> None:
        assert made("UTC").holidays == ()


class TestRefusals:
    @pytest.mark.parametrize("zone", ["Nowhere/Town", "", "Europe", "../etc/localtime", "/etc"])
    def test_an_unknown_zone(self, zone: str) -> None:
        with pytest.raises(Invalid) as caught:
            made(zone)
        assert caught.value.code == "calendar_timezone_unknown"

    @pytest.mark.parametrize("country", ["XX", "", "Germany"])
    def test_an_unknown_country(self, country: str) -> None:
        with pytest.raises(Invalid) as caught:
            made("UTC", country)
        assert caught.value.code == "calendar_country_unknown"

    @pytest.mark.parametrize(("country", "subdivision"), [("DE", "ZZ"), (None, "BY")])
    def test_an_unknown_subdivision(self, country: str | None, subdivision: str) -> None:
        with pytest.raises(Invalid) as caught:
            made("UTC", country, subdivision)
        assert caught.value.code == "calendar_subdivision_unknown"

    @pytest.mark.parametrize(
        "hours",
        [
            WorkingHours(7, 540, 1020),
            WorkingHours(-1, 540, 1020),
            WorkingHours(0, 1020, 540),
            WorkingHours(0, 540, 540),
            WorkingHours(0, -1, 540),
            WorkingHours(0, 540, 1441),
        ],
    )
    def test_hours_that_make_no_sense(self, hours: WorkingHours) -> None:
        with pytest.raises(Invalid) as caught:
            made("UTC", hours=(hours,))
        assert caught.value.code == "calendar_hours"

    def test_no_hours_at_all(self) -> None:
        with pytest.raises(Invalid) as caught:
            made("UTC", hours=())
        assert caught.value.code == "calendar_empty"
