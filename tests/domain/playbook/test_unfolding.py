"""Phases begin, steps come up in their order, branches and repeats unfold, exits close."""

from __future__ import annotations

from dataclasses import replace

from domain.playbook.commands import Send, StepClosed
from domain.playbook.definition import Anchor, Case, Compare, Op, OutcomeKind, Repeat
from domain.playbook.events import DeliveryEnded
from domain.playbook.state import StepStatus
from tests.domain.playbook.definitions import (
    DIRECTOR,
    above,
    after,
    before,
    chosen,
    days,
    decision,
    failure,
    hours,
    is_,
    of_steps,
    phase,
    playbook,
    success,
    survey,
    task,
    wait,
    webhook,
    weeks,
    within,
)
from tests.domain.playbook.scenario import scenario

OPEN, SCHEDULED = StepStatus.open, StepStatus.scheduled
COMPLETED, NOT_NEEDED = StepStatus.completed, StepStatus.not_needed


class TestPhases:
    def test_a_phase_without_a_start_begins_when_the_one_before_is_closed(self) -> None:
        rescue = playbook(phase("one", task("call"), task("mail")), phase("two", task("plan")))
        (
            scenario(rescue)
            .starts()
            .expects_open("call", "mail")
            .completes("call")
            .expects_open("mail")
            .completes("mail")
            .expects_open("plan")
        )

    def test_a_phase_with_a_start_begins_then_whatever_is_open(self) -> None:
        rescue = playbook(phase("one", task("call")), phase("two", task("plan"), starts=weeks(1)))
        (
            scenario(rescue)
            .starts()
            .completes("call")
            .expects_open()
            .fast_forward(days=6, hours=23)
            .expects_open()
            .fast_forward(hours=1)
            .expects_open("plan")
        )


class TestOrder:
    def test_steps_without_needs_are_open_side_by_side(self) -> None:
        scenario(of_steps(task("call"), task("mail"))).starts().expects_open("call", "mail")

    def test_a_step_opens_when_all_it_comes_after_is_closed(self) -> None:
        (
            scenario(of_steps(task("call"), task("mail"), task("plan", after=("call", "mail"))))
            .starts()
            .completes("call")
            .expects_open("mail")
            .skips("mail")
            .expects_open("plan")
            .expects_announced("plan")
        )

    def test_a_step_comes_up_in_the_inbox_only_when_its_time_has_come(self) -> None:
        plan = task("plan", opens=after(Anchor.start, days(3)))
        (
            scenario(of_steps(task("call"), plan))
            .starts()
            .expects("plan", SCHEDULED)
            .expects_open("call")
            .completes("plan")
            .expects_refusal("step_not_open")
            .at("2026-03-05 08:59")
            .expects("plan", SCHEDULED)
            .at("2026-03-05 09:00")
            .expects("plan", OPEN)
        )

    def test_a_step_counted_from_another_opens_after_it_has_closed(self) -> None:
        check = task("check", opens=after(Anchor.step, days(2), "call"))
        (
            scenario(of_steps(task("call"), check))
            .starts()
            .fast_forward(days=1)
            .completes("call")
            .at("2026-03-05 08:59")
            .expects("check", SCHEDULED)
            .fast_forward(minutes=1)
            .expects("check", OPEN)
        )

    def test_a_due_time_counted_from_a_step_still_open_is_set_when_that_closes(self) -> None:
        report = task("report", due=after(Anchor.step, days(1), "call"))
        (
            scenario(of_steps(task("call"), report))
            .starts()
            .expects_due("report", None)
            .fast_forward(days=1)
            .completes("call")
            .expects_due("report", "2026-03-04 09:00")
        )


class TestConditions:
    def test_a_step_whose_condition_is_false_at_its_opening_is_not_needed(self) -> None:
        plan = task("plan", after=("call",), when=is_("account.tier", "high"))
        rescue = of_steps(task("call"), plan, task("mail"))
        low = scenario(rescue).knowing({"account.tier": "low"}).starts().completes("call")
        low.expects("plan", NOT_NEEDED).expects_open("mail")
        high = scenario(rescue).knowing({"account.tier": "high"}).starts().completes("call")
        high.expects("plan", OPEN)

    def test_without_data_it_is_not_needed(self) -> None:
        rescue = of_steps(task("call", when=above(50)), task("mail"))
        scenario(rescue).starts().expects("call", NOT_NEEDED)

    def test_the_condition_is_looked_at_when_the_step_opens_not_before(self) -> None:
        plan = task("plan", opens=after(Anchor.start, days(1)), when=above(50))
        (
            scenario(of_steps(plan, task("mail")))
            .knowing({"health.score": 40})
            .starts()
            .learns({"health.score": 60})
            .fast_forward(days=1)
            .expects("plan", OPEN)
        )


class TestBranches:
    def test_a_branch_on_data_takes_the_first_case_that_holds(self) -> None:
        cases = (Case("good", above(70)), Case("fair", above(50)), Case("bad", None))
        triage = replace(decision("triage"), choices=(), cases=cases)
        rescue = of_steps(
            triage,
            task("praise", after=("triage",), when=chosen("triage", "good")),
            task("nudge", after=("triage",), when=chosen("triage", "fair")),
            task("rescue", after=("triage",), when=chosen("triage", "bad")),
        )
        for score, opened in ((80, "praise"), (70, "nudge"), (10, "rescue"), (None, "rescue")):
            scenario(rescue).knowing({"health.score": score}).starts().expects_open(opened)

    def test_a_person_decides_and_what_was_not_chosen_is_not_needed(self) -> None:
        rescue = of_steps(
            decision("triage", "act", "leave"),
            task("plan", after=("triage",), when=chosen("triage", "act")),
            task("note", after=("triage",), when=chosen("triage", "leave")),
        )
        (
            scenario(rescue)
            .starts()
            .completes("triage")
            .expects_refusal("choice_missing")
            .completes("triage", choice="panic")
            .expects_refusal("choice_invalid")
            .completes("triage", choice="act")
            .expects_open("plan")
            .expects("note", NOT_NEEDED)
        )

    def test_nobody_reopens_what_the_data_decided(self) -> None:
        triage = replace(decision("triage"), choices=(), cases=(Case("bad", None),))
        (
            scenario(of_steps(triage, task("call")))
            .starts()
            .reopens("triage")
            .expects_refusal("step_not_for_people")
        )


class TestRepeats:
    def test_another_occurrence_comes_until_the_phase_ends(self) -> None:
        check_in = task("check-in", repeat=Repeat(weeks(1)))
        run = scenario(playbook(phase("one", check_in, ends=weeks(3)))).starts()
        run.expects("check-in", OPEN, 1).expects("check-in", SCHEDULED, 2)
        run.fast_forward(days=60)
        assert [s.opened_at and s.opened_at.day for s in run.state.steps] == [2, 9, 16]

    def test_or_so_many_times(self) -> None:
        check_in = task("check-in", repeat=Repeat(days(1), until_phase_end=False, times=3))
        run = scenario(of_steps(check_in)).starts().fast_forward(days=10)
        assert [s.occurrence for s in run.state.steps] == [1, 2, 3]

    def test_what_comes_after_waits_for_the_last_occurrence(self) -> None:
        check_in = task("check-in", repeat=Repeat(days(1), until_phase_end=False, times=2))
        (
            scenario(of_steps(check_in, task("plan", after=("check-in",))))
            .starts()
            .completes("check-in")
            .expects_open()
            .fast_forward(days=1)
            .completes("check-in", occurrence=2)
            .expects_open("plan")
        )

    def test_they_are_counted_from_the_first_opening_however_late_that_was(self) -> None:
        check_in = task(
            "check-in",
            after=("call",),
            opens=after(Anchor.start, days(0)),
            repeat=Repeat(weeks(1), until_phase_end=False, times=3),
        )
        run = scenario(of_steps(task("call"), check_in)).starts().fast_forward(days=30)
        run.completes("call").expects_open("check-in").expects("check-in", SCHEDULED, 2)

    def test_a_decision_stays_readable_while_the_next_occurrence_is_to_come(self) -> None:
        pulse = decision("pulse", "good", "bad", repeat=Repeat(weeks(1), times=2))
        rescue = of_steps(pulse, exits=(failure("lost", when=chosen("pulse", "bad")),))
        run = scenario(rescue).starts().completes("pulse", choice="bad")
        run.expects_outcome(OutcomeKind.failure, "lost")


class TestWaits:
    def test_for_a_duration(self) -> None:
        rescue = of_steps(wait("rest", duration=days(2)), task("call", after=("rest",)))
        scenario(rescue).starts().expects_open("rest").fast_forward(days=2).expects_open("call")

    def test_until_a_date_of_the_account_that_may_move(self) -> None:
        until = before(Anchor.field, days(60), "account.renewal_date")
        rescue = of_steps(wait("rest", until=until), task("call", after=("rest",)))
        (
            scenario(rescue)
            .starts()
            .expects_at_rest()
            .learns({"account.renewal_date": "2026-05-10"})
            .at("2026-03-10 00:00")
            .learns({"account.renewal_date": "2026-05-20"})
            .at("2026-03-20 23:59")
            .expects_open("rest")
            .at("2026-03-21 00:00")
            .expects_open("call")
        )

    def test_for_a_condition_or_its_limit(self) -> None:
        rescue = of_steps(
            wait("recovery", condition=above(70), at_most=days(10)),
            task("plan", after=("recovery",)),
        )
        better = scenario(rescue).starts().learns({"health.score": 70.1})
        better.expects("recovery", COMPLETED).expects_open("plan")
        never = scenario(rescue).starts().fast_forward(days=10)
        never.expects("recovery", StepStatus.expired).expects_open("plan")

    def test_a_person_may_go_on_but_not_complete_it(self) -> None:
        (
            scenario(of_steps(wait("rest", duration=days(2)), task("call", after=("rest",))))
            .starts()
            .completes("rest")
            .expects_refusal("step_not_for_people")
            .waits_for_customer("rest", "2026-03-03 09:00")
            .expects_refusal("step_not_for_people")
            .skips("rest")
            .expects_open("call")
        )


class TestOutgoing:
    def test_what_waits_for_no_result_is_done_once_it_is_handed_over(self) -> None:
        run = scenario(of_steps(webhook("tell", waits=False), task("call"))).starts()
        run.expects("tell", COMPLETED).expects_sent("webhook")

    def test_a_step_is_told_that_its_delivery_arrived(self) -> None:
        rescue = of_steps(webhook("tell", waits=True), task("call", after=("tell",)))
        run = scenario(rescue).starts().expects("tell", StepStatus.sending)
        run.does(DeliveryEnded("tell", delivered=True)).expects_open("call")

    def test_or_that_it_failed_and_its_owner_is_told(self) -> None:
        rescue = of_steps(webhook("tell", waits=True), task("call"))
        run = scenario(rescue).starts().does(DeliveryEnded("tell", delivered=False))
        run.expects("tell", StepStatus.expired).expects_told("delivery_failed")


class TestSurveys:
    NPS = of_steps(survey("nps", days(7), days(21)), task("review", after=("nps",)))

    def test_a_reminder_then_closed_without_an_answer(self) -> None:
        run = scenario(self.NPS).starts().expects_sent("survey")
        run.fast_forward(days=7).expects_sent("survey").expects_told("survey_unanswered")
        run.fast_forward(days=14).expects("nps", StepStatus.unanswered).expects_open("review")
        assert [c.ordinal for c in run.every(Send)] == [1, 2]

    def test_an_answer_closes_it(self) -> None:
        answered = replace(self.NPS.phases[0].steps[0], completes_on=("survey.response",))
        rescue = of_steps(answered, task("review", after=("nps",)))
        run = scenario(rescue).starts().fast_forward(days=1).learns_fact("survey.response")
        run.expects("nps", COMPLETED).fast_forward(days=30).expects_sent()

    def test_no_customer_is_reminded_of_a_survey_that_closed_meanwhile(self) -> None:
        run = scenario(self.NPS).starts().sleeps(days=30).wakes()
        run.expects("nps", StepStatus.unanswered).expects_sent()


class TestExits:
    def test_the_first_that_holds_in_the_order_of_the_playbook(self) -> None:
        churned = failure("churned", when=is_("account.stage", "churned"))
        recovered = success(when=above(70))
        both: dict[str, str | int | float | bool | None] = {
            "account.stage": "churned",
            "health.score": 90,
        }
        first = scenario(of_steps(task("call"), exits=(recovered, churned))).starts().learns(both)
        first.expects_outcome(OutcomeKind.success, "recovered")
        second = scenario(of_steps(task("call"), exits=(churned, recovered))).starts().learns(both)
        second.expects_outcome(OutcomeKind.failure, "churned")

    def test_seventy_is_not_above_seventy(self) -> None:
        run = scenario(of_steps(task("call"), exits=(success(when=above(70)),))).starts()
        run.learns({"health.score": 70.0}).expects_running()
        run.learns({"health.score": 70.1}).expects_outcome(OutcomeKind.success, "recovered")

    def test_not_before_the_required_steps_are_done(self) -> None:
        exits = (success(when=above(70), required_done=True),)
        rescue = of_steps(task("call", required=True), task("mail"), exits=exits)
        (
            scenario(rescue)
            .knowing({"health.score": 90})
            .starts()
            .skips("mail")
            .expects_running()
            .completes("call")
            .expects_outcome(OutcomeKind.success, "recovered")
        )

    def test_a_required_step_that_was_waived_or_not_needed_is_no_obstacle(self) -> None:
        exits = (success(required_done=True),)
        rescue = of_steps(
            task("call", required=True),
            task("plan", required=True, when=above(99)),
            task("mail"),
            exits=exits,
        )
        run = scenario(rescue).starts().asks_for_waiver("call").decides_waiver("call", True)
        run.expects_outcome(OutcomeKind.success, "recovered")

    def test_not_before_the_steps_it_comes_after(self) -> None:
        exits = (success(when=above(70), after=("confirm",)),)
        run = scenario(of_steps(task("confirm"), task("call"), exits=exits))
        run.knowing({"health.score": 90}).starts().completes("call").expects_running()
        run.completes("confirm").expects_outcome(OutcomeKind.success, "recovered")

    def test_open_work_is_withdrawn_and_nothing_falls_due_any_more(self) -> None:
        later = task("later", opens=after(Anchor.start, days(9)))
        call = task("call", due=within(hours(1)))
        rescue = of_steps(call, later, exits=(success(when=above(70)),), suspends=("expansion",))
        run = scenario(rescue).starts().learns({"health.score": 71})
        run.expects("call", StepStatus.withdrawn).expects("later", StepStatus.withdrawn)
        run.expects_at_rest()
        kinds = [command.kind for made in run.made for command in made.commands]
        assert kinds == [
            "suspend_playbooks",
            "step_opened",
            "step_closed",
            "resume_playbooks",
            "ended",
        ]

    def test_all_steps_closed_and_no_exit_ends_it_as_neutral(self) -> None:
        run = scenario(of_steps(task("call"))).starts().completes("call")
        run.expects_outcome(OutcomeKind.neutral, "steps_done")

    def test_an_approvers_no_can_close_it(self) -> None:
        rescue = of_steps(
            decision("go", "yes", "no"), exits=(failure("refused", when=chosen("go", "no")),)
        )
        run = scenario(rescue).starts().completes("go", by=DIRECTOR, choice="no")
        run.expects_outcome(OutcomeKind.failure, "refused")
        assert [c.status for c in run.said(StepClosed)] == ["completed"]


class TestHeldFor:
    RESCUE = of_steps(task("call"), exits=(success(when=above(70), held_for=days(14)),))

    def test_ends_when_it_has_held_without_a_break(self) -> None:
        run = scenario(self.RESCUE).starts().fast_forward(days=1).learns({"health.score": 75})
        run.fast_forward(days=13, hours=23).expects_running()
        run.fast_forward(hours=1).expects_outcome(OutcomeKind.success, "recovered")

    def test_resets_on_false(self) -> None:
        run = scenario(self.RESCUE).knowing({"health.score": 75}).starts()
        run.fast_forward(days=10).learns({"health.score": 70})
        run.fast_forward(days=1).learns({"health.score": 80})
        run.fast_forward(days=13).expects_running()
        run.fast_forward(days=1).expects_outcome(OutcomeKind.success, "recovered")

    def test_resets_on_no_data(self) -> None:
        run = scenario(self.RESCUE).knowing({"health.score": 75}).starts()
        run.fast_forward(days=10).learns({"health.score": None}).learns({"health.score": 80})
        run.fast_forward(days=13).expects_running()

    def test_the_last_step_does_not_end_it_while_its_success_is_on_the_way(self) -> None:
        run = scenario(self.RESCUE).knowing({"health.score": 75}).starts().completes("call")
        run.expects_running().fast_forward(days=14)
        run.expects_outcome(OutcomeKind.success, "recovered")

    def test_what_has_passed_waits_for_the_required_steps(self) -> None:
        exits = (success(when=above(70), held_for=days(2), required_done=True),)
        run = scenario(of_steps(task("call", required=True), task("mail"), exits=exits))
        run.knowing({"health.score": 75}).starts().fast_forward(days=5).expects_running()
        run.completes("call").expects_outcome(OutcomeKind.success, "recovered")


class TestTimeAlone:
    """ "Older than" and "within" turn without any news; nobody has to poll (law 15)."""

    def test_an_exit_on_a_date_fires_when_its_time_comes(self) -> None:
        silent = failure("silent", when=Compare("touch.last_at", Op.older_than_days, 30))
        run = scenario(of_steps(task("call"), exits=(silent,)))
        run.knowing({"touch.last_at": "2026-03-01T12:00:00Z"}).starts()
        run.at("2026-03-31 12:00").expects_running()
        run.at("2026-03-31 12:01").expects_outcome(OutcomeKind.failure, "silent")
        assert run.state.ended_at is not None
        assert (run.state.ended_at.minute, run.state.ended_at.second) == (0, 1)

    def test_a_bare_date_turns_at_midnight(self) -> None:
        soon = Compare("account.renewal_date", Op.within_days, 90)
        rescue = of_steps(
            wait("renewal", condition=soon, at_most=weeks(50)), task("call", after=("renewal",))
        )
        run = scenario(rescue).knowing({"account.renewal_date": "2026-07-01"}).starts()
        run.at("2026-04-01 23:59").expects_open("renewal")
        run.at("2026-04-02 00:00").expects_open("call")
