"""Where everything meets: deadlines settle before the event, once, and by one clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Invalid, Refused
from domain.playbook import events as e
from domain.playbook.deadlines import deadlines, next_deadline
from domain.playbook.events import Event
from domain.playbook.machine import advance, transit
from domain.playbook.state import ENGINE_REVISION
from tests.domain.playbook.definitions import hours, of_steps, task, within
from tests.domain.playbook.scenario import scenario

CALL = of_steps(task("call", due=within(hours(48))), task("mail"))


class TestDeadlines:
    def test_settled_before_the_event_in_the_same_transaction(self) -> None:
        run = scenario(CALL).starts().sleeps(days=3).completes("mail")
        assert [made.event.id for made in run.news] == [
            "deadline:breach:call#1:0",
            "deadline:escalate:call#1:1:0",
            "deadline:escalate:call#1:2:0",
            "event:1",
        ]
        assert [made.number for made in run.news] == [1, 2, 3, 4]

    def test_also_where_the_event_is_refused(self) -> None:
        run = scenario(CALL).starts().sleeps(days=3).completes("dance")
        assert [made.number for made in run.news] == [1, 2, 3]
        assert run.state.number == 3
        run.expects_refusal("unknown_step")

    def test_once_is_enough(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 09:00")
        breach = run.news[0].event
        again = transit(CALL, run.state, breach, run.now)
        assert again.refusal is not None and again.refusal.code == "not_due"
        assert (again.state, again.made) == (run.state, ())

    def test_before_its_time_or_of_another_generation_is_not_due(self) -> None:
        run = scenario(CALL).starts()
        run.does(e.DeadlinePassed("breach:call#1", 0)).expects_refusal("not_due")
        run.waits_for_customer("call", "2026-03-03 09:00").at("2026-03-05 09:00")
        run.does(e.DeadlinePassed("breach:call#1", 0)).expects_refusal("not_due")

    def test_have_ids_that_never_mean_two_things(self) -> None:
        """Waited twice, reopened twice, acknowledged, waived twice: each settles under its own."""
        call = task("call", required=True, due=within(hours(48)), reminders=(hours(24),))
        run = scenario(of_steps(call, task("mail"))).starts()
        run.waits_for_customer("call", "2026-03-03 09:00").at("2026-03-03 10:00")
        run.waits_for_customer("call", "2026-03-04 09:00").at("2026-03-20 09:00")
        run.acknowledges("call").fast_forward(days=9).completes("call").reopens("call")
        run.fast_forward(days=9).completes("call").reopens("call").fast_forward(days=9)
        for day in (11, 21):
            run.asks_for_waiver("call", expires=f"2026-05-{day} 09:00")
            run.decides_waiver("call", True).at(f"2026-05-{day + 1} 09:00")
        ids = [made.event.id for made in run.made]
        assert len(ids) == len(set(ids))
        assert sum(i.startswith("deadline:follow-up") for i in ids) == 2
        assert sum(i.startswith("deadline:breach") for i in ids) == 3
        assert sum(i.startswith("deadline:waiver-expiry") for i in ids) == 2

    def test_who_is_faster_wins_and_the_other_finds_nothing(self) -> None:
        run = scenario(CALL).starts().at("2026-03-04 08:59").completes("call").completes("mail")
        assert next_deadline(CALL, run.state) is None
        assert transit(CALL, run.state, None, run.now + timedelta(days=1)).made == ()

    def test_of_one_instant_come_in_the_order_of_their_ranks(self) -> None:
        run = scenario(CALL).starts()
        found = deadlines(CALL, run.state)
        assert [(d.event_id, d.name) for d in found] == [("deadline:breach:call#1:0", "breach")]


class TestOneClock:
    def test_an_earlier_instant_counts_as_the_last_one(self) -> None:
        run = scenario(CALL).starts().fast_forward(hours=1).completes("mail")
        early = Event("early", e.StepCompleted("call"))
        after = transit(CALL, run.state, early, run.now - timedelta(hours=5))
        assert after.made[0].at == run.state.last_at

    def test_a_deadline_counts_for_the_instant_it_was_due(self) -> None:
        run = scenario(CALL).starts().sleeps(days=2, minutes=1).wakes()
        assert [(made.at - run.now, made.late) for made in run.news] == [
            (timedelta(minutes=-1), False),
            (timedelta(minutes=-1), False),
        ]
        over = scenario(CALL).starts().sleeps(days=2, minutes=1, seconds=1).wakes()
        assert all(made.late for made in over.news)


class TestRefusals:
    def test_change_nothing(self) -> None:
        run = scenario(CALL).starts()
        before = run.state
        run.does(e.StepCompleted("call", answers={"x": 1})).expects_refusal("evidence_unknown")
        assert run.state == before

    def test_an_execution_that_has_not_started(self) -> None:
        run = scenario(CALL).starts()
        for event in (Event("first", e.StepCompleted("call")), None):
            with pytest.raises(Refused) as refused:
                transit(CALL, None, event, run.now)
            assert refused.value.code == "not_started"

    def test_a_newer_engine_is_left_to_others(self) -> None:
        run = scenario(CALL).starts()
        newer = replace(run.state, engine=ENGINE_REVISION + 1)
        completed = Event("done", e.StepCompleted("call"))
        for attempt in (
            lambda: advance(CALL, newer, completed, run.now),
            lambda: transit(CALL, newer, completed, run.now),
            lambda: transit(CALL, newer, None, run.now),
            lambda: next_deadline(CALL, newer),
        ):
            with pytest.raises(Invalid) as invalid:
                attempt()
            assert invalid.value.code == "engine_too_old"


class TestAdvance:
    def test_gives_the_same_state_again_from_the_recorded_events(self) -> None:
        run = scenario(CALL).starts().fast_forward(days=3).completes("call").pauses()
        run.fast_forward(days=1).resumes().completes("mail")
        state = None
        for made in run.made:
            state, _ = advance(CALL, state, made.event, made.at)
        assert state == run.state
