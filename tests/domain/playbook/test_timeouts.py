"""What time does: reminders before due, the breach at due, the ladder after it."""

from __future__ import annotations

from domain.playbook.commands import Breached, Escalate
from domain.playbook.definition import Anchor, Compare, Op, Role
from tests.domain.playbook.definitions import (
    AUDITOR,
    CSM,
    DIRECTOR,
    OTHER_CSM,
    after,
    business_days,
    days,
    failure,
    hours,
    ladder,
    level,
    minutes,
    of_steps,
    task,
    within,
)
from tests.domain.playbook.scenario import scenario

CALL = of_steps(task("call", due=within(hours(48)), reminders=(hours(24), hours(2))))


class TestReminders:
    def test_before_due_longest_first_each_once(self) -> None:
        run = scenario(CALL).starts().fast_forward(days=5)
        run.expects_reminders("2026-03-03 09:00", "2026-03-04 07:00")

    def test_none_before_the_step_has_opened(self) -> None:
        call = task("call", due=within(hours(4)), reminders=(hours(24), hours(2)))
        run = scenario(of_steps(call)).starts().expects_reminders().fast_forward(days=5)
        run.expects_reminders("2026-03-02 11:00")

    def test_none_after_due_when_nobody_was_awake(self) -> None:
        scenario(CALL).starts().sleeps(days=5).wakes().expects_reminders()

    def test_late_but_before_due_it_still_helps(self) -> None:
        run = scenario(CALL).starts().sleeps(hours=30).wakes()
        run.expects_reminders("2026-03-03 09:00")
        assert [made.late for made in run.news] == [True]

    def test_none_of_a_step_that_is_done_in_the_same_breath(self) -> None:
        scenario(CALL).starts().sleeps(hours=30).completes("call").expects_reminders()


class TestBreach:
    def test_at_exactly_its_due_and_once(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 08:59").expects_no_breach()
        run.at("2026-03-04 09:00").expects_breach("call", "2026-03-04 09:00")
        run.fast_forward(days=30).expects_no_breach()

    def test_five_minutes_late_is_a_breach_and_a_completion(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 08:50").sleeps(minutes=15).completes("call")
        run.expects_breach("call", "2026-03-04 09:00").expects_closed("call", late=True)
        run.expects_escalation(1, to="nobody")
        assert [made.at.minute for made in run.news] == [0, 0, 5]
        assert [made.late for made in run.news] == [True, True, False]

    def test_in_time_is_no_breach_also_at_the_very_instant_before(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 08:59").completes("call")
        run.expects_closed("call").fast_forward(days=9).expects_no_breach().expects_no_escalation()

    def test_that_fell_due_while_workers_were_down_fires_once_and_is_recorded_as_late(self) -> None:
        run = scenario(CALL).starts().sleeps(days=3).wakes()
        run.expects_breach("call", "2026-03-04 09:00")
        breach = next(m for m in run.news if any(isinstance(c, Breached) for c in m.commands))
        assert breach.late and breach.at == breach.state.steps[0].due_at
        run.wakes()
        assert run.news == ()

    def test_a_call_on_friday_logged_on_monday_was_in_time_and_is_logged_late(self) -> None:
        call = of_steps(task("call", due=within(days(4))))
        run = scenario(call).starts().at("2026-03-06 10:00").at("2026-03-09 08:00")
        run.completes("call", occurred="2026-03-05 16:00").expects_closed("call", logged_late=True)
        assert run.step("call").breached_at is None

    def test_a_call_that_was_itself_late_stays_late(self) -> None:
        call = of_steps(task("call", due=within(days(4))))
        run = scenario(call).starts().at("2026-03-09 08:00")
        run.completes("call", occurred="2026-03-06 10:00").expects_closed("call", late=True)
        assert run.step("call").breached_at is not None

    def test_work_is_not_logged_before_it_is_done(self) -> None:
        run = scenario(CALL).starts().completes("call", occurred="2026-03-02 09:01")
        run.expects_refusal("occurred_in_future")


class TestLadder:
    def test_levels_in_order_each_once(self) -> None:
        run = scenario(CALL).starts().fast_forward(hours=48).expects_escalation(1, to="assignee")
        run.fast_forward(hours=24).expects_escalation(2, to="director")
        run.fast_forward(hours=48).expects_escalation(3, to="executive")
        run.expects_at_rest()
        assert [c.level for c in run.every(Escalate)] == [1, 2, 3]

    def test_the_last_level_hands_the_step_to_another_role(self) -> None:
        run = scenario(CALL).starts().fast_forward(days=5)
        assert run.step("call").owner is Role.director
        run.completes("call", by=DIRECTOR).expects_closed("call", late=True)

    def test_who_owned_it_before_may_still_do_it(self) -> None:
        scenario(CALL).starts().fast_forward(days=5).completes("call", by=CSM)

    def test_in_business_days(self) -> None:
        call = task("call", due=within(hours(4)))
        slow = ladder(level(business_days(1), Role.director))
        run = scenario(of_steps(call, ladders=(slow,))).at("2026-03-06 10:00").starts()
        run.at("2026-03-09 13:59").expects_no_escalation()
        run.at("2026-03-09 14:00").expects_escalation(1, to="director")

    def test_a_step_may_climb_a_ladder_of_its_own(self) -> None:
        quick = ladder(level(minutes(30), Role.finance))
        named = of_steps(
            task("call", due=within(hours(1)), ladder="ladder"), ladders=(quick,), escalation=None
        )
        run = scenario(named).starts().fast_forward(minutes=90)
        run.expects_escalation(1, to="finance")


class TestAcknowledgement:
    def test_holds_the_levels_to_come_and_then_the_ladder_goes_on(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 10:00").acknowledges("call")
        run.at("2026-03-05 12:59").expects_no_escalation()
        run.at("2026-03-05 13:00").expects_escalation(2)

    def test_once_for_each_level_so_nobody_silences_it_for_good(self) -> None:
        run = scenario(CALL).starts().acknowledges("call")
        run.expects_refusal("nothing_to_acknowledge").at("2026-03-04 10:00").acknowledges("call")
        run.acknowledges("call").expects_refusal("nothing_to_acknowledge")
        run.at("2026-03-05 14:00").acknowledges("call").fast_forward(days=10)
        assert [c.level for c in run.every(Escalate)] == [1, 2, 3]

    def test_by_who_works_it_or_was_told(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 10:00")
        run.acknowledges("call", by=AUDITOR).expects_refusal("role_may_not")
        run.acknowledges("call", by=OTHER_CSM)
        assert run.step("call").acknowledged_level == 1


class TestUnderPressure:
    def test_all_levels_that_passed_while_down_fire_in_order(self) -> None:
        run = scenario(CALL).starts().sleeps(days=30).wakes()
        assert [c.level for c in run.said(Escalate)] == [1, 2, 3]
        assert [made.at.day for made in run.news if made.commands] == [4, 4, 5, 7]

    def test_what_opens_and_falls_due_while_down_is_breached_at_its_own_due(self) -> None:
        call = task("call", opens=after(Anchor.start, days(1)), due=within(hours(4)))
        run = scenario(of_steps(call)).starts().sleeps(days=2).wakes()
        run.expects_breach("call", "2026-03-03 13:00").expects_announced("call")

    def test_a_step_that_came_and_went_while_down_is_announced_to_nobody(self) -> None:
        gone = failure("gone", when=Compare("account.renewal_date", Op.older_than_days, 1))
        call = task("call", opens=after(Anchor.start, days(1)))
        run = scenario(of_steps(call, exits=(gone,))).knowing(
            {"account.renewal_date": "2026-03-02"}
        )
        run.starts().sleeps(days=5).wakes().expects_announced()
