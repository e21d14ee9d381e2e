"""What people do to steps, and what they are told where they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import Refused
from domain.playbook import events as e
from domain.playbook.commands import HandedOver
from domain.playbook.definition import Anchor, OutcomeKind, Role
from domain.playbook.events import Actor
from domain.playbook.state import StepStatus
from tests.domain.playbook.definitions import (
    AUDITOR,
    CSM,
    DIRECTOR,
    MANAGER,
    OTHER_CSM,
    OTHER_DIRECTOR,
    after,
    approval,
    business_days,
    days,
    failure,
    hand_off,
    hours,
    is_,
    of_steps,
    survey,
    task,
    wait,
    within,
)
from tests.domain.playbook.scenario import scenario

CALL = of_steps(task("call", due=within(hours(48)), reminders=(hours(24),)), task("mail"))
MUST = of_steps(task("call", required=True, due=within(days(2))), task("mail"))


class TestCompleting:
    def test_twice_is_refused_the_second_time(self) -> None:
        run = scenario(CALL).starts().completes("call").completes("call", by=OTHER_CSM)
        run.expects_refusal("step_closed").expects("call", StepStatus.completed)

    def test_a_step_that_is_not_in_the_playbook(self) -> None:
        scenario(CALL).starts().completes("dance").expects_refusal("unknown_step")

    @pytest.mark.parametrize("actor", [CSM, OTHER_CSM, DIRECTOR])
    def test_by_a_holder_of_the_role_or_an_overseer(self, actor: Actor) -> None:
        scenario(CALL).starts().completes("call", by=actor).expects("call", StepStatus.completed)

    @pytest.mark.parametrize("actor", [MANAGER, AUDITOR])
    def test_by_nobody_else(self, actor: Actor) -> None:
        scenario(CALL).starts().completes("call", by=actor).expects_refusal("role_may_not")

    def test_on_behalf_of_its_holder(self) -> None:
        stand_in = replace(MANAGER, on_behalf_of="anna")
        run = scenario(CALL).starts().reassigns("call", to="anna")
        run.completes("call", by=stand_in).expects("call", StepStatus.completed)

    def test_nobody_approves_in_the_place_of_the_approver(self) -> None:
        run = scenario(of_steps(approval("sign-off"), task("mail"))).starts()
        assert run.step("sign-off").owner is Role.director
        run.completes("sign-off", by=CSM).expects_refusal("role_may_not")
        run.completes("sign-off", by=DIRECTOR).expects("sign-off", StepStatus.completed)


class TestSkipping:
    def test_an_optional_step(self) -> None:
        scenario(CALL).starts().skips("call").expects("call", StepStatus.skipped)

    def test_never_a_required_one(self) -> None:
        scenario(MUST).starts().skips("call").expects_refusal("step_required")


class TestWaivers:
    def test_are_approved_by_another_person(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call").expects_told("waiver_requested")
        run.expects("call", StepStatus.open).decides_waiver("call", True)
        run.expects("call", StepStatus.waived).expects_told("waiver_decided")
        assert run.step("call").waiver is not None

    def test_nobody_approves_their_own(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call", by=DIRECTOR)
        run.decides_waiver("call", True, by=DIRECTOR).expects_refusal("waiver_self_approval")
        run.decides_waiver("call", True, by=OTHER_DIRECTOR).expects("call", StepStatus.waived)

    def test_nor_one_that_was_asked_on_their_behalf(self) -> None:
        for_dora = replace(CSM, on_behalf_of="dora")
        run = scenario(MUST).starts().asks_for_waiver("call", by=for_dora)
        run.decides_waiver("call", True).expects_refusal("waiver_self_approval")
        for_anna = replace(OTHER_DIRECTOR, on_behalf_of="anna")
        run.decides_waiver("call", True, by=for_anna).expects_refusal("waiver_self_approval")

    def test_only_the_approver_decides(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call")
        run.decides_waiver("call", True, by=OTHER_CSM).expects_refusal("role_may_not")
        by_finance = of_steps(task("call", required=True, approver=Role.finance), task("mail"))
        other = scenario(by_finance).starts().asks_for_waiver("call")
        other.decides_waiver("call", True).expects_refusal("role_may_not")
        other.decides_waiver("call", True, by=Actor("fay", (Role.finance,)))
        other.expects("call", StepStatus.waived)

    def test_declined_the_step_stays_and_may_be_asked_for_again(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call")
        run.asks_for_waiver("call").expects_refusal("waiver_pending")
        run.decides_waiver("call", False).expects("call", StepStatus.open)
        run.decides_waiver("call", True).expects_refusal("no_waiver_asked")
        run.asks_for_waiver("call").expects_told("waiver_requested")

    def test_expire_and_the_step_is_open_again_with_its_time_anew(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call", expires="2026-03-12 09:00")
        run.decides_waiver("call", True).at("2026-03-12 08:59").expects("call", StepStatus.waived)
        run.fast_forward(minutes=1).expects("call", StepStatus.open).expects_told("waiver_expired")
        run.expects_not_told("reopened").expects_due("call", "2026-03-14 09:00")
        run.expects_no_breach().asks_for_waiver("call").decides_waiver("call", True)

    def test_cannot_be_asked_for_or_granted_in_the_past(self) -> None:
        run = scenario(MUST).starts().asks_for_waiver("call", expires="2026-03-02 09:00")
        run.expects_refusal("waiver_expired").asks_for_waiver("call", expires="2026-03-02 12:00")
        run.fast_forward(hours=4).decides_waiver("call", True).expects_refusal("waiver_expired")

    def test_are_for_what_people_do(self) -> None:
        run = scenario(of_steps(wait("rest", duration=days(9)))).starts().asks_for_waiver("rest")
        run.expects_refusal("step_not_for_people")


class TestWaiting:
    def test_stops_the_net_clock_and_keeps_the_gross_one(self) -> None:
        run = scenario(CALL).starts().fast_forward(hours=10)
        run.waits_for_customer("call", "2026-03-09 19:00").expects("call", StepStatus.waiting)
        run.at("2026-03-05 19:00").expects_no_breach().hears_from_customer("call")
        run.expects("call", StepStatus.open).expects_due("call", "2026-03-07 09:00")
        call = run.step("call")
        assert (call.waited, call.first_due_at) == (3 * 86400, run.made[0].state.steps[0].due_at)

    def test_ends_at_the_follow_up_date_which_is_told(self) -> None:
        run = scenario(CALL).starts().waits_for_customer("call", "2026-03-04 09:00")
        run.fast_forward(days=2).expects("call", StepStatus.open).expects_told("follow_up")
        run.expects_due("call", "2026-03-06 09:00")

    def test_needs_a_date_ahead(self) -> None:
        run = scenario(CALL).starts().waits_for_customer("call", "2026-03-02 09:00")
        run.expects_refusal("follow_up_past").hears_from_customer("call")
        run.expects_refusal("not_waiting").waits_for_customer("call", "2026-03-04 09:00")
        run.waits_for_customer("call", "2026-03-05 09:00").expects_refusal("already_waiting")

    def test_has_a_limit_over_all_waits_together(self) -> None:
        call = task("call", due=within(hours(48)), waiting_limit=days(5))
        run = scenario(of_steps(call)).starts().waits_for_customer("call", "2026-03-07 09:01")
        run.expects_refusal("waiting_limit").waits_for_customer("call", "2026-03-05 09:00")
        run.fast_forward(days=3).waits_for_customer("call", "2026-03-07 09:01")
        run.expects_refusal("waiting_limit").waits_for_customer("call", "2026-03-07 09:00")
        run.fast_forward(days=2).waits_for_customer("call", "2026-03-07 10:00")
        run.expects_refusal("waiting_limit")

    def test_after_a_breach_holds_the_ladder_and_takes_nothing_back(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 10:00")
        run.waits_for_customer("call", "2026-03-06 10:00").at("2026-03-06 10:00")
        run.expects_no_escalation().expects_due("call", "2026-03-04 09:00")
        assert run.step("call").breached_at is not None
        run.at("2026-03-07 08:59").expects_no_escalation().fast_forward(minutes=1)
        run.expects_escalation(2)

    def test_work_that_is_done_meanwhile_ends_it(self) -> None:
        run = scenario(CALL).starts().waits_for_customer("call", "2026-03-06 09:00")
        run.at("2026-03-05 09:00").completes("call").expects_closed("call")
        assert run.step("call").waited == 3 * 86400

    def test_a_survey_still_closes_in_its_time(self) -> None:
        rescue = of_steps(survey("nps", None, days(3)), task("mail"))
        run = scenario(rescue).starts().waits_for_customer("nps", "2026-03-10 09:00")
        run.fast_forward(days=3).expects("nps", StepStatus.unanswered)


class TestSnooze:
    def test_hides_it_and_moves_nothing(self) -> None:
        run = scenario(CALL).starts().snoozes("call", until="2026-03-09 09:00")
        run.expects_due("call", "2026-03-04 09:00")
        assert run.step("call").snoozed_until is not None

    def test_a_breach_wakes_it(self) -> None:
        run = scenario(CALL).starts().snoozes("call", until="2026-03-09 09:00")
        run.at("2026-03-04 09:00").expects_breach("call", "2026-03-04 09:00")
        assert run.step("call").snoozed_until is None

    def test_needs_a_time_ahead(self) -> None:
        run = scenario(CALL).starts().snoozes("call", until="2026-03-02 09:00")
        run.expects_refusal("snooze_past")


class TestReassigning:
    def test_to_a_person_who_then_holds_it(self) -> None:
        run = scenario(CALL).starts().snoozes("call", "2026-03-03 09:00")
        run.reassigns("call", to="marc").expects_told("reassigned")
        assert run.step("call").snoozed_until is None
        run.completes("call", by=MANAGER).expects("call", StepStatus.completed)

    def test_not_twice_to_the_same(self) -> None:
        run = scenario(CALL).starts().reassigns("call", to="ben").reassigns("call", to="ben")
        run.expects_refusal("already_assigned")

    def test_to_who_an_owner_gives_their_account(self) -> None:
        run = scenario(CALL).starts().reassigns("call", to="anna")
        run.does(e.TeamChanged(Role.csm, "anna", "ben"))
        assert (run.step("call").assignee, run.step("mail").assignee) == ("ben", None)


class TestReopening:
    def test_with_its_time_counted_from_now(self) -> None:
        start = of_steps(task("call", due=after(Anchor.start, hours(48))), task("mail"))
        run = scenario(start).starts().completes("call").fast_forward(days=5).reopens("call")
        run.expects("call", StepStatus.open).expects_due("call", "2026-03-09 09:00")
        run.expects_no_breach().expects_told("reopened")

    def test_keeps_its_due_time_where_that_lies_ahead(self) -> None:
        start = of_steps(task("call", due=after(Anchor.start, days(20))), task("mail"))
        run = scenario(start).starts().completes("call").fast_forward(days=5).reopens("call")
        run.expects_due("call", "2026-03-22 09:00")

    def test_with_ladder_and_reminders_anew(self) -> None:
        run = scenario(CALL).starts().fast_forward(days=4).completes("call").reopens("call")
        run.expects_due("call", "2026-03-08 09:00").fast_forward(days=3)
        run.expects_reminders("2026-03-07 09:00").expects_breach("call", "2026-03-08 09:00")
        run.expects_escalation(1, to="assignee").expects_escalation(2, to="director")

    def test_no_reminder_from_before_it_was_reopened(self) -> None:
        call = task("call", due=after(Anchor.start, days(10)), reminders=(days(7), days(1)))
        run = scenario(of_steps(call, task("mail"))).starts().completes("call")
        run.fast_forward(days=5).reopens("call").fast_forward(days=6)
        run.expects_reminders("2026-03-11 09:00")

    def test_what_followed_from_it_stays_open(self) -> None:
        rescue = of_steps(task("call"), task("plan", after=("call",)))
        run = scenario(rescue).starts().completes("call").reopens("call")
        run.expects_open("call", "plan")

    def test_an_approval_goes_back_to_its_approver(self) -> None:
        run = scenario(of_steps(approval("sign-off"), task("mail"))).starts()
        run.completes("sign-off", by=DIRECTOR).reopens("sign-off", by=DIRECTOR)
        assert run.step("sign-off").owner is Role.director

    def test_only_what_was_completed_or_skipped(self) -> None:
        run = scenario(CALL).starts().reopens("call").expects_refusal("not_reopenable")
        run.skips("call").reopens("call").expects("call", StepStatus.open)


class TestHandOff:
    SALE = of_steps(
        hand_off("to-sales", business_days(1), due=within(days(2))),
        task("proposal", after=("to-sales",), owner=Role.account_manager),
    )

    def test_completing_is_offering_and_nothing_follows_before_it_is_accepted(self) -> None:
        run = scenario(self.SALE).starts().completes("to-sales")
        run.expects("to-sales", StepStatus.offered).expects_told("hand_off_offered")
        run.expects_due("to-sales", "2026-03-03 09:00").expects_open("to-sales")
        run.completes("to-sales").expects_refusal("hand_off_offered")
        run.accepts("to-sales").expects_open("proposal")

    def test_only_its_receiver_answers(self) -> None:
        run = scenario(self.SALE).starts().accepts("to-sales").expects_refusal("not_offered")
        run.completes("to-sales").accepts("to-sales", by=CSM).expects_refusal("role_may_not")
        run.accepts("to-sales", by=DIRECTOR).expects("to-sales", StepStatus.completed)

    def test_declined_it_is_the_givers_again_with_a_clock_of_its_own(self) -> None:
        run = scenario(self.SALE).starts().fast_forward(days=1).completes("to-sales")
        run.fast_forward(hours=4).declines("to-sales").expects_told("hand_off_declined")
        run.expects("to-sales", StepStatus.open).expects_due("to-sales", "2026-03-05 13:00")
        run.completes("to-sales").expects("to-sales", StepStatus.offered)

    def test_the_receiver_has_a_clock_and_a_ladder_of_their_own(self) -> None:
        run = scenario(self.SALE).starts().completes("to-sales").at("2026-03-03 09:00")
        run.expects_breach("to-sales", "2026-03-03 09:00").expects_escalation(1)

    def test_an_answer_that_comes_late_is_late_whenever_it_was_offered(self) -> None:
        run = scenario(self.SALE).starts().fast_forward(hours=8)
        run.completes("to-sales", occurred="2026-03-02 10:00").at("2026-03-10 09:00")
        run.accepts("to-sales").expects_closed("to-sales", late=True)

    def test_a_ladder_takes_nothing_from_a_receiver(self) -> None:
        run = scenario(self.SALE).starts().completes("to-sales").fast_forward(days=9)
        assert run.step("to-sales").owner is Role.account_manager

    def test_a_date_of_the_account_moves_the_givers_clock_only(self) -> None:
        spec = replace(
            self.SALE.phases[0].steps[0], due=after(Anchor.field, days(0), "account.renewal_date")
        )
        run = scenario(of_steps(spec)).knowing({"account.renewal_date": "2026-03-20"}).starts()
        run.completes("to-sales").learns({"account.renewal_date": "2026-03-30"})
        run.expects_due("to-sales", "2026-03-03 09:00").pauses().fast_forward(days=1).resumes()
        run.expects_due("to-sales", "2026-03-04 09:00")

    def test_a_fact_never_accepts_it(self) -> None:
        by_fact = replace(self.SALE.phases[0].steps[0], completes_on=("touch",))
        run = scenario(of_steps(by_fact)).starts().learns_fact("touch.meeting")
        run.expects("to-sales", StepStatus.open)


class TestHandOver:
    """A change of owner names its receiver at the start: the start itself is the offer."""

    OVER = of_steps(
        hand_off("take-over", business_days(1)),
        parameters=("giver", "receiver", "role"),
        exits=(failure("churned", when=is_("account.stage", "churned")),),
    )

    def test_is_offered_at_once_and_accepted_moves_the_role(self) -> None:
        run = scenario(self.OVER).starts(giver="anna", receiver="ben", role="csm")
        run.expects("take-over", StepStatus.offered).accepts("take-over", by=OTHER_CSM)
        assert run.said(HandedOver) == [HandedOver(Role.csm, "anna", "ben")]
        run.expects_outcome(OutcomeKind.neutral, "steps_done")

    def test_offered_to_somebody_else_meanwhile_it_moves_to_them(self) -> None:
        run = scenario(self.OVER).starts(giver="anna", receiver="ben", role="csm")
        run.reassigns("take-over", to="marc").accepts("take-over", by=MANAGER)
        assert run.said(HandedOver) == [HandedOver(Role.csm, "anna", "marc")]

    def test_only_the_named_receiver_answers(self) -> None:
        run = scenario(self.OVER).starts(giver="anna", receiver="ben", role="csm")
        run.accepts("take-over", by=MANAGER).expects_refusal("role_may_not")

    def test_declined_it_is_the_givers(self) -> None:
        run = scenario(self.OVER).starts(giver="anna", receiver="ben", role="csm")
        run.declines("take-over", by=OTHER_CSM)
        assert run.step("take-over").assignee == "anna"

    def test_after_a_business_day_the_director_is_told(self) -> None:
        run = scenario(self.OVER).at("2026-03-06 10:00")
        run.starts(giver="anna", receiver="ben", role="csm").at("2026-03-09 10:00")
        run.expects_breach("take-over", "2026-03-09 10:00")

    def test_an_unknown_role_is_refused_at_the_start(self) -> None:
        with pytest.raises(Refused) as refused:
            scenario(self.OVER).starts(giver="anna", receiver="ben", role="wizard")
        assert refused.value.code == "parameter_invalid"
