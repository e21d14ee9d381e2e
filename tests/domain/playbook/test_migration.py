"""A running execution moves to another version: what has begun goes on, what is gone is withdrawn.

Executions start on Monday, 2026-03-02 at 09:00 UTC, by a plain calendar.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.calendars import plain_calendar
from domain.errors import Invalid
from domain.playbook.codec import content_hash, state_from_json, state_to_json
from domain.playbook.commands import ResumePlaybooks, StepClosed, SuspendPlaybooks
from domain.playbook.deadlines import deadlines
from domain.playbook.definition import (
    AllowedValues,
    Anchor,
    Definition,
    EvidenceType,
    Repeat,
    Role,
    Step,
    Subject,
)
from domain.playbook.draft import rules_of
from domain.playbook.events import Event, Migrated
from domain.playbook.machine import transit
from domain.playbook.moves import Move, moves
from domain.playbook.state import CLOSED, ExecutionStatus, State, StepStatus
from tests.domain.playbook.definitions import (
    CSM,
    above,
    after,
    days,
    evidence,
    hours,
    ladder,
    level,
    of_steps,
    phase,
    playbook,
    success,
    survey,
    task,
    utc,
    wait,
    webhook,
    weeks,
    within,
)
from tests.domain.playbook.generated import bodies, definitions, starts, worker_of
from tests.domain.playbook.scenario import scenario

CALL = task("call", due=within(hours(48)), required=True)
NOTE = task("note", due=within(days(7)))


def moved(*steps: Step, **changes: Any) -> Definition:
    """The version of these steps; another summary makes it another one in any case."""
    return of_steps(*steps, summary="Another version.", **changes)


class TestRefused:
    def test_to_the_same_content(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        run.migrates(of_steps(CALL)).expects_refusal("same_version")

    def test_to_another_playbook(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        run.migrates(moved(CALL, key="other")).expects_refusal("another_playbook")

    def test_for_another_subject(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        run.migrates(moved(CALL, subject=Subject.contact)).expects_refusal("wrong_subject")

    def test_with_another_concurrency_key(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        other = moved(CALL, concurrency_key="alert", parameters=("alert",))
        run.migrates(other).expects_refusal("concurrency_differs")

    def test_where_its_own_start_would_not_be_allowed(self) -> None:
        run = scenario(of_steps(CALL, parameters=("alert",))).starts(alert="payment")
        other = moved(
            CALL,
            parameters=("alert",),
            parameter_values=(AllowedValues("alert", ("inactivity",)),),
        )
        run.migrates(other).expects_refusal("parameter_invalid")

    def test_after_its_end(self) -> None:
        run = scenario(of_steps(CALL)).starts().completes("call")
        run.migrates(moved(CALL)).expects_refusal("execution_ended")

    def test_from_a_version_that_it_left_meanwhile(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        run.migrates(moved(CALL), before="0" * 64).expects_refusal("changed_meanwhile")

    @pytest.mark.parametrize("onto", [None, of_steps(NOTE)])
    def test_with_a_definition_that_its_hash_does_not_name(self, onto: Definition | None) -> None:
        run = scenario(of_steps(CALL)).starts()
        body = Migrated("v", content_hash(moved(CALL)), 2, content_hash(run.definition), {})
        with pytest.raises(Invalid) as refused:
            transit(run.definition, run.state, Event("m", body), run.now, onto)
        assert refused.value.code == "definition_differs"


class TestOpenSteps:
    def test_go_on_as_they_are(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts().reassigns("call", "ben").fast_forward(hours=5)
        before = run.step("call")
        run.migrates(moved(replace(CALL, title="Ring them"), NOTE)).expects_open("call", "note")
        assert run.step("call") == before
        run.expects_announced()

    def test_that_are_gone_are_withdrawn_with_their_deadlines(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts().migrates(moved(NOTE)).expects_open("note")
        run.expects("call", StepStatus.withdrawn)
        assert [(c.step, c.status) for c in run.said(StepClosed)] == [("call", "withdrawn")]
        run.fast_forward(days=6).expects_no_breach()
        run.completes("call").expects_refusal("unknown_step")

    def test_keep_their_due_time_where_its_rule_is_the_same(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=24)
        run.waits_for_customer("call", "2026-03-05 09:00").at("2026-03-05 09:00")
        run.migrates(moved(CALL)).expects_due("call", "2026-03-06 09:00")

    def test_are_due_by_a_new_rule_from_their_opening(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=24)
        generation = run.step("call").generation
        run.migrates(moved(replace(CALL, due=within(hours(72)))))
        run.expects_due("call", "2026-03-05 09:00")
        assert run.step("call").generation == generation + 1

    def test_are_never_due_in_the_past(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=24)
        run.migrates(moved(replace(CALL, due=within(hours(2)))))
        run.expects_due("call", "2026-03-03 09:00").expects_breach("call", "2026-03-03 09:00")

    def test_count_what_was_waited_for_the_customer(self) -> None:
        run = scenario(of_steps(CALL)).starts()
        run.waits_for_customer("call", "2026-03-03 09:00").at("2026-03-03 09:00")
        run.migrates(moved(replace(CALL, due=within(hours(72)))))
        run.expects_due("call", "2026-03-06 09:00")

    def test_take_back_a_breach_that_the_new_rule_does_not_know(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=50)
        assert run.step("call").breached_at is not None
        run.migrates(moved(replace(CALL, due=within(days(7)))))
        assert run.step("call").breached_at is None
        run.fast_forward(days=6).expects_breach("call", "2026-03-09 09:00")

    def test_stay_missed_where_both_rules_were(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=73)
        run.migrates(moved(replace(CALL, due=within(hours(60)))))
        assert run.step("call").levels_fired == 2
        run.expects_due("call", "2026-03-04 09:00").expects_no_breach()

    def test_climb_the_new_ladder_from_where_they_are(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=49)
        steep = ladder(level(hours(0)), level(hours(2), Role.executive))
        run.migrates(moved(CALL, ladders=(steep,))).fast_forward(hours=2)
        run.expects_escalation(2, to="executive")
        run.fast_forward(days=9).expects_no_escalation()

    def test_are_reminded_by_the_new_rule(self) -> None:
        run = scenario(of_steps(replace(CALL, reminders=(hours(40),)))).starts()
        run.at("2026-03-02 20:00")
        run.migrates(moved(replace(CALL, reminders=(hours(44), hours(24))))).at("2026-03-04 08:00")
        run.expects_reminders("2026-03-03 09:00")

    def test_keep_of_their_form_what_fits_the_new_one(self) -> None:
        form = (evidence("score", EvidenceType.number), evidence("seats", EvidenceType.number))
        step = replace(CALL, evidence=form, prefills_on=("touch",))
        run = scenario(of_steps(step)).starts()
        run.learns_fact("touch.call", answers={"score": 7, "seats": 12})
        narrow = evidence("seats", EvidenceType.number, maximum=10)
        run.migrates(moved(replace(step, evidence=(form[0], narrow))))
        assert run.step("call").answers == {"score": 7}

    def test_of_another_kind_are_other_steps(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts()
        run.migrates(moved(survey("call", None, days(3)), NOTE)).expects_sent("survey")
        assert (run.step("call").status, run.step("call").due_at) == (StepStatus.open, None)
        assert run.step("call").generation == 1
        assert [c.status for c in run.said(StepClosed)] == ["withdrawn"]

    def test_a_wait_ends_by_its_new_limit(self) -> None:
        run = scenario(of_steps(wait("quiet", duration=days(2)), NOTE)).starts()
        run.fast_forward(hours=24).migrates(moved(wait("quiet", duration=days(4)), NOTE))
        run.at("2026-03-05 09:00").expects("quiet", StepStatus.open)
        run.at("2026-03-06 09:00").expects("quiet", StepStatus.completed)

    def test_a_survey_closes_by_its_new_limit_and_reminds_once(self) -> None:
        run = scenario(of_steps(survey("nps", days(2), days(9)), NOTE)).starts()
        run.at("2026-03-04 09:00").expects_sent("survey")
        run.migrates(moved(survey("nps", days(3), days(4)), NOTE))
        run.at("2026-03-06 09:00").expects("nps", StepStatus.unanswered).expects_sent()


class TestOtherSteps:
    def test_closed_ones_stay_closed(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts().completes("call")
        before = run.step("call")
        run.migrates(moved(replace(CALL, due=within(hours(1))), NOTE))
        assert run.step("call") == before

    def test_a_closed_one_that_is_gone_can_still_be_shown(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts().completes("call").migrates(moved(NOTE))
        run.expects("call", StepStatus.completed)
        where, rules = rules_of(run.definition, run.state, "call")
        assert (where.key, rules.title) == ("work", "Call")
        assert state_from_json(state_to_json(run.state)) == run.state

    def test_new_ones_come_up(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=1).migrates(moved(CALL, NOTE))
        run.expects_open("call", "note").expects_announced("note")
        run.expects_due("note", "2026-03-09 10:00")

    def test_one_that_comes_back_comes_up_anew(self) -> None:
        """Its deadlines are told apart from those of its first life."""
        first = of_steps(CALL, NOTE)
        run = scenario(first).starts().fast_forward(hours=50).migrates(moved(NOTE))
        ids = {made.event.id for made in run.made}
        run.migrates(first).expects_open("call", "note").expects_due("call", "2026-03-06 11:00")
        assert run.step("call").breached_at is None
        run.fast_forward(days=3).expects_breach("call", "2026-03-06 11:00")
        assert ids.isdisjoint({made.event.id for made in run.news})
        assert run.state.former == ()

    def test_what_waits_for_one_that_is_gone_and_back_waits_again(self) -> None:
        check = task("check", after=("call",))
        first = of_steps(CALL, check, NOTE)
        run = scenario(first).starts().migrates(moved(NOTE)).migrates(first)
        run.expects_open("call", "note").completes("call").expects_open("check", "note")

    def test_a_scheduled_one_opens_by_its_new_time(self) -> None:
        late = task("late", opens=after(Anchor.start, days(10)))
        soon = replace(late, opens=after(Anchor.start, days(3)))
        run = scenario(of_steps(CALL, late)).starts().migrates(moved(CALL, soon))
        run.expects("late", StepStatus.scheduled).at("2026-03-05 09:00").expects_announced("late")

    def test_a_scheduled_one_waits_for_what_now_comes_before(self) -> None:
        late = task("late", opens=after(Anchor.start, days(1)))
        run = scenario(of_steps(CALL, late)).starts()
        run.migrates(moved(CALL, replace(late, after=("call",)))).at("2026-03-03 10:00")
        run.expects_open("call").completes("call").expects_open("late")

    def test_a_repeated_one_goes_on_by_its_new_rule(self) -> None:
        daily = task("check", repeat=Repeat(days(1), until_phase_end=False, times=5))
        run = scenario(of_steps(CALL, daily)).starts().at("2026-03-03 10:00")
        weekly = replace(daily, repeat=Repeat(weeks(1), until_phase_end=False, times=3))
        run.migrates(moved(CALL, weekly)).at("2026-03-10 08:00").expects_announced()
        run.at("2026-03-10 10:00").expects_announced("check")
        run.expects("check", StepStatus.open, occurrence=3).at("2026-04-10 09:00")
        assert len([s for s in run.state.steps if s.key == "check"]) == 3

    def test_a_repeated_one_that_is_done_once_is_not_asked_for_again(self) -> None:
        daily = task("check", repeat=Repeat(days(1), until_phase_end=False, times=5))
        run = scenario(of_steps(CALL, daily)).starts().migrates(moved(CALL, task("check")))
        run.at("2026-03-20 09:00").expects_open("call", "check")
        assert run.step("check", 2).status is StepStatus.withdrawn

    def test_an_expired_waiver_of_one_that_is_gone_opens_nothing(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts()
        run.asks_for_waiver("call", expires="2026-03-05 09:00").decides_waiver("call", True)
        run.migrates(moved(NOTE)).at("2026-03-07 09:00").expects_open("note")

    def test_one_that_sends_does_so_at_once(self) -> None:
        run = scenario(of_steps(CALL)).starts().migrates(moved(CALL, webhook("tell", waits=False)))
        run.expects_sent("webhook").expects("tell", StepStatus.completed)


class TestPhases:
    FIRST = phase("first", CALL, starts=days(0), ends=days(7))
    LATER = phase("later", NOTE, starts=days(14), ends=days(21))

    def test_begun_stays_begun_and_ends_by_the_new_rule(self) -> None:
        run = scenario(playbook(self.FIRST, self.LATER)).starts().fast_forward(days=1)
        run.migrates(playbook(replace(self.FIRST, starts=days(3), ends=days(9)), self.LATER))
        found = run.state.phases[0]
        assert found.started
        assert (found.starts_at, found.ends_at) == (
            utc("2026-03-02 09:00"),
            utc("2026-03-11 09:00"),
        )

    def test_one_to_come_begins_by_the_new_rule_moved_by_pauses(self) -> None:
        run = scenario(playbook(self.FIRST, self.LATER)).starts().pauses()
        run.sleeps(days=2)
        run.resumes().migrates(playbook(self.FIRST, replace(self.LATER, starts=days(10))))
        run.at("2026-03-14 08:00").expects_open("call").at("2026-03-14 09:00")
        run.expects_announced("note")

    def test_never_in_the_past(self) -> None:
        run = scenario(playbook(self.FIRST, self.LATER)).starts().fast_forward(days=5)
        run.migrates(playbook(self.FIRST, replace(self.LATER, starts=days(2))))
        run.expects_open("call", "note").expects_due("note", "2026-03-14 09:00")
        assert run.state.phases[1].starts_at == run.now

    def test_what_is_counted_from_the_end_of_a_phase_moves_with_it(self) -> None:
        step = replace(NOTE, due=after(Anchor.phase_end, days(0)))
        run = scenario(playbook(phase("only", step, ends=days(7)))).starts()
        run.migrates(playbook(phase("only", step, ends=days(9))))
        run.expects_due("note", "2026-03-11 09:00")

    def test_one_that_comes_back_has_a_deadline_of_its_own(self) -> None:
        first = playbook(self.FIRST, self.LATER)
        run = scenario(first).starts().at("2026-03-17 09:00").migrates(playbook(self.FIRST))
        run.migrates(first)
        ids = [made.event.id for made in run.made]
        assert len(ids) == len(set(ids))
        run.expects_open("call", "note")


class TestExecution:
    def test_what_was_due_before_is_settled_by_the_old_version(self) -> None:
        run = scenario(of_steps(CALL, NOTE)).starts().sleeps(hours=49)
        run.migrates(moved(NOTE)).expects_breach("call", "2026-03-04 09:00")
        assert [made.event.body.kind for made in run.news][-1] == "migrated"

    def test_held_time_goes_on_for_the_same_condition_only(self) -> None:
        def rule(least: float) -> Definition:
            exits = (success(when=above(least), held_for=days(7)),)
            return of_steps(CALL, exits=exits, reads=("health.score",))

        same = replace(rule(70), summary="Another version.")
        for onto, ends in ((same, "2026-03-09 09:00"), (rule(75), "2026-03-12 09:00")):
            run = scenario(rule(70)).knowing({"health.score": 80}).starts().fast_forward(days=3)
            run.migrates(onto)
            assert run.state.held_since == {"recovered": utc(ends) - timedelta(days=7)}
        run.migrates(moved(CALL))
        assert run.state.held_since == {}

    def test_longer_to_hold_than_has_passed_is_held_anew(self) -> None:
        def rule(held: int) -> Definition:
            exits = (success(when=above(70), after=("call",), held_for=days(held)),)
            return of_steps(CALL, exits=exits, reads=("health.score",))

        run = scenario(rule(2)).knowing({"health.score": 80}).starts().at("2026-03-05 09:00")
        assert run.state.held_passed == ("recovered",)
        run.migrates(rule(30)).completes("call").expects_running()
        run.at("2026-04-04 08:00").expects_running().at("2026-04-04 09:00")
        assert run.state.outcome_code == "recovered"

    def test_ends_where_the_new_version_says_so(self) -> None:
        rule = success(when=above(70))
        run = scenario(of_steps(CALL)).starts()
        run.migrates(
            moved(CALL, exits=(rule,), reads=("health.score",)),
            fields={"health.score": 80},
            fields_version=4,
        )
        assert (run.state.outcome_code, run.state.fields_version) == ("recovered", 4)
        run.expects("call", StepStatus.withdrawn)

    def test_while_paused_it_moves_and_what_follows_waits(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=8).pauses().sleeps(hours=10)
        longer = replace(CALL, due=within(hours(72)))
        run.migrates(moved(longer, NOTE)).expects_open("call").sleeps(hours=10)
        run.resumes().expects_open("call", "note").expects_due("call", "2026-03-06 05:00")

    def test_due_in_the_past_while_paused_is_due_at_the_resumption(self) -> None:
        run = scenario(of_steps(CALL)).starts().fast_forward(hours=8).pauses().sleeps(hours=10)
        run.migrates(moved(replace(CALL, due=within(hours(1))))).sleeps(hours=10)
        run.resumes().expects_due("call", "2026-03-03 13:00")

    def test_playbooks_are_suspended_and_resumed_by_the_difference(self) -> None:
        run = scenario(of_steps(CALL, suspends=("expansion", "survey"))).starts()
        run.migrates(moved(CALL, suspends=("survey", "alert")))
        assert run.said(ResumePlaybooks) == [ResumePlaybooks(("expansion",))]
        assert run.said(SuspendPlaybooks) == [SuspendPlaybooks(("alert",))]


def test_the_preview_names_what_stays_goes_and_comes() -> None:
    first = of_steps(CALL, NOTE, task("later", opens=after(Anchor.start, days(30))))
    second = moved(
        replace(CALL, due=within(hours(72))), task("plan"), task("done", after=("call",))
    )
    run = scenario(first).starts()
    state = run.state
    run.migrates(second)
    done = transit(first, state, run.made[-1].event, run.now, second)
    found = moves(first, state, done)
    assert [(one.step, one.move) for one in found.steps] == [
        ("call", Move.stays),
        ("note", Move.withdrawn),
        ("later", Move.withdrawn),
        ("plan", Move.opens),
    ]
    assert [(one.step, one.due_before, one.due_after) for one in found.steps if one.moves] == [
        ("call", utc("2026-03-04 09:00"), utc("2026-03-05 09:00"))
    ]
    assert found.deadline_after == utc("2026-03-05 09:00")
    assert found.outcome is None


def test_the_preview_tells_a_step_of_another_kind_twice() -> None:
    run = scenario(of_steps(CALL, NOTE)).starts()
    first, state = run.definition, run.state
    run.migrates(moved(survey("call", None, days(3)), NOTE))
    done = transit(first, state, run.made[-1].event, run.now, run.definition)
    assert [(one.step, one.move) for one in moves(first, state, done).steps] == [
        ("call", Move.withdrawn),
        ("call", Move.opens),
        ("note", Move.stays),
    ]


@given(data=st.data())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
def test_whatever_happened_before_and_whatever_comes(data: st.DataObject) -> None:
    """To the same content it is refused. To another one every id stays new, no deadline is of a
    step or phase that is gone, nothing that is closed opens, and life goes on to the end."""
    first, second = data.draw(definitions()), data.draw(definitions())
    state, now = None, utc("2026-03-02 09:00")
    started = data.draw(starts(first, plain_calendar()))
    ids: list[str] = []
    definition, body = first, started
    event: Event | None = Event("start", body)
    for number in range(12):
        onto = None
        if state is not None:
            now += data.draw(st.sampled_from([timedelta(hours=1), timedelta(days=5)]))
            if number in (4, 8):
                same = _migration(definition, definition, state, f"same:{number}")
                refused = transit(definition, state, same, now, definition)
                assert refused.refusal is not None
                ended = refused.state.status is ExecutionStatus.ended
                assert refused.refusal.code == ("execution_ended" if ended else "same_version")
                onto = second if definition is first else first
                event = _migration(definition, onto, state, f"migration:{number}")
            else:
                keys = {step.key for step in definition.steps()}
                known = tuple(step for step in state.steps if step.key in keys)
                what = data.draw(bodies(definition, replace(state, steps=known), now))
                event = Event(f"event:{number}", what, worker_of(what))
        result = transit(definition, state, event, now, onto)
        if onto is not None and result.refusal is None:
            _check_moved(onto, result.state, state)
        ids += [made.event.id for made in result.made]
        definition, state = result.definition, result.state
        assert state_from_json(state_to_json(state)) == state
        for step in state.steps:
            rules_of(definition, state, step.key)
    assert len(ids) == len(set(ids))


def _migration(before: Definition, onto: Definition, state: State, name: str) -> Event:
    body = Migrated("v", content_hash(onto), 2, content_hash(before), state.fields)
    return Event(name, body, CSM)


def _check_moved(onto: Definition, state: State, before: State) -> None:
    steps = {step.key for step in onto.steps()}
    known = {*steps, *(p.key for p in onto.phases), *(rule.code for rule in onto.exits), "turn"}
    assert {deadline.subject for deadline in deadlines(onto, state)} <= known
    assert {s.key for s in state.steps if s.status not in CLOSED} <= steps
    assert [phase.key for phase in state.phases] == [phase.key for phase in onto.phases]
    now = {(s.key, s.occurrence): s for s in state.steps}
    for step in before.steps:
        if step.status in CLOSED - {StepStatus.withdrawn, StepStatus.waived}:
            assert now[step.key, step.occurrence] == step
