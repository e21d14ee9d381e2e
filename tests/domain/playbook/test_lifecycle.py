"""An execution as a whole: it starts, learns, is paused and suspended, resumes, is cancelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import Invalid, Refused
from domain.playbook import events as e
from domain.playbook.commands import StepOpened
from domain.playbook.definition import AllowedValues, Anchor, OutcomeKind, Repeat
from domain.playbook.state import ExecutionStatus, StepStatus
from tests.domain.playbook.definitions import (
    above,
    after,
    before,
    berlin,
    business_days,
    business_hours,
    days,
    hours,
    is_,
    ladder,
    level,
    of_steps,
    phase,
    playbook,
    success,
    task,
    utc,
    wait,
    weeks,
    within,
)
from tests.domain.playbook.scenario import scenario

RENEWAL = "account.renewal_date"
CALL = of_steps(task("call", due=within(hours(48)), reminders=(hours(24),)))


class TestStarting:
    def test_takes_the_parameters_of_the_playbook_only(self) -> None:
        with pytest.raises(Refused) as refused:
            scenario(CALL).starts(alert="billing")
        assert refused.value.code == "unknown_parameter"

    def test_needs_the_parameter_that_keeps_its_runs_apart(self) -> None:
        alert = of_steps(task("call"), parameters=("alert",), concurrency_key="alert")
        with pytest.raises(Refused) as refused:
            scenario(alert).starts()
        assert refused.value.code == "parameter_missing"
        scenario(alert).starts(alert="payment-7").expects_open("call")

    def test_takes_only_the_codes_of_a_parameter_that_names_them(self) -> None:
        allowed = (AllowedValues("alert", ("payment", "silence")),)
        alert = of_steps(task("call"), parameters=("alert",), parameter_values=allowed)
        with pytest.raises(Refused) as refused:
            scenario(alert).starts(alert="boredom")
        assert refused.value.code == "parameter_invalid"
        scenario(alert).starts(alert="payment").expects_open("call")

    def test_conditions_read_its_parameters(self) -> None:
        alert = of_steps(
            task("pay", when=is_("start.alert", "payment")), task("call"), parameters=("alert",)
        )
        scenario(alert).starts(alert="payment").expects_open("pay", "call")
        scenario(alert).starts(alert="silence").expects_open("call")

    def test_happens_once(self) -> None:
        run = scenario(CALL).starts()
        run.does(e.Started({}, run.calendar, {})).expects_refusal("already_started")


class TestPausing:
    def test_refuses_the_commands_of_steps(self) -> None:
        run = scenario(CALL).starts().pauses().completes("call")
        run.expects_refusal("execution_paused").pauses().expects_refusal("already_paused")
        run.resumes().resumes().expects_refusal("not_paused").completes("call")

    def test_settles_what_was_due_before(self) -> None:
        run = scenario(CALL).starts().sleeps(days=3).pauses()
        run.expects_breach("call", "2026-03-04 09:00")

    def test_stops_everything_that_is_counted(self) -> None:
        run = scenario(CALL).starts().fast_forward(hours=12).pauses().expects_at_rest()
        run.fast_forward(days=10).expects_no_breach().resumes()
        run.expects_due("call", "2026-03-14 09:00").fast_forward(days=3)
        run.expects_reminders("2026-03-13 09:00").expects_breach("call", "2026-03-14 09:00")

    def test_moves_steps_and_phases_to_come(self) -> None:
        rescue = playbook(
            phase("one", task("call", opens=after(Anchor.start, days(4)))),
            phase("two", task("plan"), starts=weeks(1)),
        )
        run = scenario(rescue).starts().fast_forward(days=1).pauses().fast_forward(days=2)
        run.resumes().at("2026-03-08 08:59").expects_open().fast_forward(minutes=1)
        run.expects_open("call").at("2026-03-11 09:00").expects_open("call", "plan")

    def test_moves_what_is_counted_later_from_before(self) -> None:
        steps = (
            task("call"),
            task("by-start", after=("call",), due=after(Anchor.start, days(7))),
            task("by-phase", after=("call",), due=after(Anchor.phase_start, days(7))),
            task("mail"),
            task("by-step", after=("call",), due=after(Anchor.step, days(7), "mail")),
        )
        run = scenario(of_steps(*steps)).starts().completes("mail").fast_forward(days=1)
        run.pauses().fast_forward(days=3).resumes().completes("call")
        for step in ("by-start", "by-phase", "by-step"):
            run.expects_due(step, "2026-03-12 09:00")

    def test_dates_of_the_account_stay(self) -> None:
        call = task("call", due=before(Anchor.field, days(60), RENEWAL))
        plan = task("plan", opens=before(Anchor.field, days(60), RENEWAL))
        rescue = of_steps(call, plan)
        run = scenario(rescue).knowing({RENEWAL: "2026-05-31"}).starts().pauses()
        run.fast_forward(days=2).resumes().expects_due("call", "2026-04-01 00:00")
        run.at("2026-03-31 23:59").expects_open("call").at("2026-04-01 00:00")
        run.expects_open("call", "plan").expects_breach("call", "2026-04-01 00:00")

    def test_a_date_that_passed_meanwhile_is_missed_on_resuming_and_the_ladder_begins(self) -> None:
        call = task("call", due=before(Anchor.field, days(60), RENEWAL))
        run = scenario(of_steps(call)).knowing({RENEWAL: "2026-05-04"}).starts().pauses()
        run.at("2026-03-20 09:00").resumes().expects_breach("call", "2026-03-05 00:00")
        run.expects_escalation(1).fast_forward(hours=23).expects_no_escalation()
        run.fast_forward(hours=1).expects_escalation(2)
        assert not any(made.late for made in run.made)

    def test_what_was_missed_before_stays_missed_and_its_ladder_stands_still(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 10:00").pauses().fast_forward(days=5)
        run.resumes().expects_due("call", "2026-03-04 09:00").fast_forward(hours=22)
        run.expects_no_escalation().fast_forward(hours=1).expects_escalation(2)
        run.completes("call").expects_closed("call", late=True)

    def test_a_wait_for_the_customer_does_not_count_the_pause(self) -> None:
        run = scenario(CALL).starts().waits_for_customer("call", "2026-03-12 09:00")
        run.fast_forward(days=1).pauses().fast_forward(days=2).resumes()
        run.fast_forward(days=1).hears_from_customer("call")
        assert run.step("call").waited == 2 * 86400
        run.expects_due("call", "2026-03-08 09:00")

    def test_repeats_and_waits_go_on_by_as_much_later(self) -> None:
        check_in = task("check-in", repeat=Repeat(weeks(1)))
        rescue = playbook(
            phase("one", check_in, wait("rest", duration=days(3)), ends=weeks(2)),
            phase("two", task("plan")),
        )
        run = scenario(rescue).starts().fast_forward(days=1).pauses().fast_forward(days=30)
        run.resumes().at("2026-04-04 08:59").expects_open("check-in", "rest")
        run.fast_forward(minutes=1).expects_open("check-in").at("2026-04-08 09:00")
        assert len(run.said(StepOpened)) == 1
        run.fast_forward(days=60)
        assert len(run.state.steps) == 3

    def test_facts_update_the_state_and_trigger_nothing(self) -> None:
        rescue = of_steps(
            task("call", completes_on=("touch",)),
            wait("recovery", condition=above(50), at_most=weeks(9)),
            exits=(success(when=above(70)),),
        )
        run = scenario(rescue).starts().pauses().learns_fact("touch.call")
        run.learns({"health.score": 90})
        assert not [command for made in run.news for command in made.commands]
        run.expects("call", StepStatus.open).expects("recovery", StepStatus.open)
        run.resumes().expects_outcome(OutcomeKind.success, "recovered")

    def test_held_for_stands_still_and_still_resets(self) -> None:
        exits = (success(when=above(70), held_for=days(10)),)
        held = scenario(of_steps(task("call"), exits=exits)).knowing({"health.score": 80}).starts()
        held.fast_forward(days=4).pauses().fast_forward(days=20).resumes()
        held.fast_forward(days=5, hours=23).expects_running().fast_forward(hours=1)
        held.expects_outcome(OutcomeKind.success, "recovered")
        broken = scenario(of_steps(task("call"), exits=exits)).knowing({"health.score": 80})
        broken.starts().fast_forward(days=4).pauses().learns({"health.score": 60})
        broken.fast_forward(days=2).learns({"health.score": 80}).fast_forward(days=1).resumes()
        broken.fast_forward(days=9, hours=23).expects_running().fast_forward(hours=1)
        broken.expects_outcome(OutcomeKind.success, "recovered")

    def test_may_end_in_being_cancelled(self) -> None:
        run = scenario(CALL).starts().pauses().does(e.Cancelled("false_alarm"))
        run.expects_outcome(OutcomeKind.neutral, "false_alarm")


class TestSuspension:
    def test_by_two_ends_with_the_second(self) -> None:
        run = scenario(CALL).starts().pauses("at-risk").fast_forward(days=1).pauses("alert")
        run.fast_forward(days=1).resumes("at-risk")
        assert run.state.status is ExecutionStatus.paused
        run.resumes("person").expects_refusal("not_paused").fast_forward(days=1).resumes("alert")
        run.expects_due("call", "2026-03-07 09:00")


class TestFields:
    def test_an_older_version_is_ignored(self) -> None:
        run = scenario(CALL).knowing({"health.score": 50}).starts()
        run.learns({"health.score": 60}, version=5).learns({"health.score": 10}, version=4)
        run.learns({"health.score": 11}, version=5)
        assert (run.state.fields["health.score"], run.state.fields_version) == (60, 5)

    def test_others_stay_as_they_are(self) -> None:
        run = scenario(CALL).knowing({"health.score": 50, "account.stage": "customer"}).starts()
        run.learns({"health.score": 60})
        assert run.state.fields == {"health.score": 60, "account.stage": "customer"}


class TestCalendars:
    def test_a_new_one_counts_from_now_on(self) -> None:
        steps = (task("call"), task("plan", after=("call",), due=within(business_hours(8))))
        run = scenario(of_steps(*steps)).starts().does(e.CalendarChanged(berlin("2026-03-03")))
        run.completes("call").expects_due("plan", "2026-03-04 09:00")

    def test_a_new_one_helps_an_execution_that_the_old_one_does_not_reach(self) -> None:
        slow = ladder(level(business_days(3)))
        rescue = of_steps(task("call", due=within(hours(48))), ladders=(slow,))
        short = replace(berlin(), horizon=utc("2026-03-06 00:00"))
        run = scenario(rescue).by_calendar(short).starts().sleeps(days=9)
        with pytest.raises(Invalid) as invalid:
            run.completes("call")
        assert invalid.value.code == "calendar_horizon"
        run.does(e.CalendarChanged(berlin()))
        run.expects_breach("call", "2026-03-04 09:00").expects_escalation(1)


class TestCancelling:
    def test_for_a_reason_that_is_known(self) -> None:
        for code in ("withdrawn", "superseded", "false_alarm", "not_needed"):
            run = scenario(CALL).starts().does(e.Cancelled(code))
            run.expects_outcome(OutcomeKind.neutral, code)
        run = scenario(CALL).starts().does(e.Cancelled("bored"))
        run.expects_refusal("cancel_code_invalid").expects_open("call")

    def test_ends_as_neutral_and_nothing_is_changed_any_more(self) -> None:
        run = scenario(CALL).starts().does(e.Cancelled("superseded"))
        run.expects_outcome(OutcomeKind.neutral, "superseded").expects_at_rest()
        for body in (
            e.StepCompleted("call"),
            e.Reopened("call"),
            e.Paused(),
            e.Cancelled(),
            e.FieldsChanged({}, 9),
            e.FactArrived("touch.call", "fact", run.now),
            e.DeadlinePassed("breach:call#1", 0),
        ):
            run.does(body).expects_refusal("execution_ended")
