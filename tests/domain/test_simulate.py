"""The simulator runs a playbook from start to end under a virtual clock."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from domain.calendars import plain_calendar
from domain.errors import Invalid, Refused
from domain.playbook.commands import Breached, Ended, Escalate, Remind, Send, StepOpened
from domain.playbook.definition import Anchor as A
from domain.playbook.definition import (
    Choice,
    Compare,
    Definition,
    Duration,
    EvidenceField,
    EvidenceType,
    Exit,
    HandOff,
    Ladder,
    LadderLevel,
    Op,
    OutcomeKind,
    Outgoing,
    Phase,
    Recipient,
    RecipientKind,
    Repeat,
    Role,
    Step,
    StepKind,
    Subject,
    Survey,
    TimeSpec,
    Unit,
    Value,
)
from domain.playbook.events import DeadlinePassed, HandOffDecided, StepCompleted
from domain.playbook.state import StepStatus
from domain.simulate import CONTACT, EndedBy, Simulation, simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_report import simulation_to_json
from domain.simulation_script import People, Script, moment, parse_script

C = TypeVar("C")

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TEAM = {Role.csm: "Anna", Role.director: "Dora", Role.account_manager: "Marc"}


def hours(amount: int) -> Duration:
    return Duration(amount, Unit.hour)


def days(amount: int) -> Duration:
    return Duration(amount, Unit.day)


def due(offset: Duration) -> TimeSpec:
    return TimeSpec(offset, A.opening)


LADDER = Ladder(
    "risk",
    (
        LadderLevel(hours(4), (Recipient(RecipientKind.assignee),)),
        LadderLevel(hours(12), (Recipient(RecipientKind.role, Role.director),)),
    ),
    acknowledged_for=hours(24),
)
OUTREACH = Step(
    "outreach",
    "Schedule a call",
    StepKind.task,
    Role.csm,
    required=True,
    due=due(hours(48)),
    reminders=(hours(4),),
    evidence=(
        EvidenceField("meeting_at", EvidenceType.datetime, "When"),
        EvidenceField("contact", EvidenceType.contact, "With whom"),
        EvidenceField("score", EvidenceType.number, "Score", prefill="health.score"),
    ),
)
DECIDE = Step(
    "decide",
    "Go on?",
    StepKind.branch,
    Role.csm,
    required=True,
    after=("outreach",),
    due=due(Duration(2, Unit.business_day)),
    choices=(Choice("yes", "Yes"), Choice("no", "No")),
)
HAND_OFF = Step(
    "hand-off",
    "Hand over",
    StepKind.hand_off,
    Role.csm,
    required=True,
    after=("decide",),
    due=due(days(1)),
    hand_off=HandOff(Role.account_manager, hours(24)),
)
SURVEY = Step(
    "survey",
    "Ask again",
    StepKind.survey,
    Role.csm,
    after=("hand-off",),
    survey=Survey("nps", days(7), days(21)),
    completes_on=("survey.response",),
)
RECOVERED = Exit(
    OutcomeKind.success, "recovered", Compare("health.score", Op.above, 70), required_done=True
)


def playbook(*steps: Step, exits: tuple[Exit, ...] = (RECOVERED,)) -> Definition:
    return Definition(
        key="small",
        name="Small",
        subject=Subject.account,
        owner=Role.csm,
        summary="A playbook for tests.",
        phases=(Phase("all", "All", steps),),
        exits=exits,
        ladders=(LADDER,),
        escalation="risk",
    )


WHOLE = playbook(OUTREACH, DECIDE, HAND_OFF, SURVEY)


def subject(**fields: Value) -> SimulatedSubject:
    return SimulatedSubject({"health.score": 60, **fields}, TEAM, plain_calendar(), parameters={})


def run(definition: Definition, script: str | Script | None = None, limit: int = 366) -> Simulation:
    read = parse_script(script) if isinstance(script, str) else script
    return simulate(definition, subject(), MONDAY, read, timedelta(days=limit))


def commands(simulation: Simulation, kind: type[C]) -> list[tuple[datetime, C, tuple[str, ...]]]:
    return [
        (line.at, said.command, said.to)
        for line in simulation.lines
        for said in line.said
        if isinstance(said.command, kind)
    ]


def in_hours(simulation: Simulation, kind: type[C]) -> list[float]:
    """When such commands came, in hours after the start."""
    return [(at - MONDAY) / timedelta(hours=1) for at, _, _ in commands(simulation, kind)]


class TestPeople:
    def test_on_time_nothing_is_breached_and_every_step_is_done(self) -> None:
        simulation = run(WHOLE)
        assert simulation.ended_by is EndedBy.outcome
        assert commands(simulation, Breached) == []
        assert {step.status for step in simulation.state.steps} == {StepStatus.completed}
        assert simulation.state.outcome_code == "steps_done"

    def test_late_everything_due_is_breached_escalated_and_done_a_day_later(self) -> None:
        simulation = run(WHOLE, Script(people=People.late))
        assert simulation.ended_by is EndedBy.outcome
        # outreach is done on Thursday, 72 h in; two business days later is Monday
        assert in_hours(simulation, Breached)[:2] == [48, 168]
        assert in_hours(simulation, Escalate)[:2] == [52, 60]
        assert [to for _, _, to in commands(simulation, Escalate)[:2]] == [("Anna",), ("Dora",)]
        completions = [
            line for line in simulation.lines if isinstance(line.event.body, StepCompleted)
        ]
        assert (completions[0].at - MONDAY) == timedelta(hours=72)

    def test_never_the_ladder_is_climbed_and_then_it_waits_for_ever(self) -> None:
        simulation = run(WHOLE, Script(people=People.never))
        assert simulation.ended_by is EndedBy.at_rest
        assert simulation.state.outcome is None
        assert in_hours(simulation, StepOpened) == [0]
        assert in_hours(simulation, Remind) == [44]
        assert in_hours(simulation, Breached) == [48]
        assert in_hours(simulation, Escalate) == [52, 60]

    def test_a_hand_off_is_offered_and_accepted_by_its_receiver(self) -> None:
        simulation = run(WHOLE)
        accepted = next(
            line for line in simulation.lines if isinstance(line.event.body, HandOffDecided)
        )
        assert accepted.event.actor.member == "Marc"

    def test_a_late_customer_answers_after_the_reminder(self) -> None:
        simulation = run(playbook(replace(SURVEY, after=())), Script(people=People.late))
        asked = commands(simulation, Send)
        assert [(at - MONDAY).days for at, _, _ in asked] == [0, 7]
        assert all(to == (CONTACT,) for _, _, to in asked)
        assert simulation.lines[-1].event.body.kind == "fact_arrived"
        assert simulation.state.last_at - MONDAY == timedelta(days=21) * 0.75

    def test_repeats_without_end_stop_at_the_limit(self) -> None:
        for_ever = Step(
            "check-in",
            "Check in",
            StepKind.task,
            Role.csm,
            due=due(hours(24)),
            repeat=Repeat(days(7), until_phase_end=False),
        )
        simulation = run(playbook(for_ever), limit=60)
        assert simulation.ended_by is EndedBy.limit
        assert len(in_hours(simulation, StepOpened)) == 9
        assert simulation.state.last_at <= MONDAY + timedelta(days=60)


class TestScript:
    def test_what_the_script_closes_is_left_to_it(self) -> None:
        simulation = run(
            WHOLE,
            """
            actions:
              - {at: +50 hours, do: complete, step: outreach}
              - {at: day 5 10:00, do: complete, step: decide, choice: "no"}
            """,
        )
        done = {step.key: step for step in simulation.state.steps}
        assert done["outreach"].closed_at == MONDAY + timedelta(hours=50)
        assert in_hours(simulation, Breached) == [48]
        assert done["decide"].closed_at == datetime(2026, 11, 27, 10, tzinfo=UTC)
        assert done["decide"].choice == "no"

    @pytest.mark.parametrize(
        ("do", "status"),
        [("delivered", StepStatus.completed), ("undelivered", StepStatus.expired)],
    )
    def test_a_delivery_ends_as_the_script_says(self, do: str, status: StepStatus) -> None:
        send = Step(
            "send",
            "Tell the CRM",
            StepKind.crm_update,
            Role.csm,
            outgoing=Outgoing("plan.recorded", waits_for_result=True),
        )
        simulation = run(playbook(send), f"actions: [{{at: +3 hours, do: {do}, step: send}}]")
        (sent,) = simulation.state.steps
        assert (sent.status, sent.closed_at) == (status, MONDAY + timedelta(hours=3))

    def test_fields_bring_the_outcome(self) -> None:
        simulation = run(
            WHOLE, "actions: [{at: +8 days, do: fields, fields: {health.score: 70.1}}]"
        )
        assert simulation.state.outcome is OutcomeKind.success
        assert simulation.state.ended_at == MONDAY + timedelta(days=8)
        assert [code.code for _, code, _ in commands(simulation, Ended)] == ["recovered"]

    def test_waiting_moves_the_due_time_and_a_snooze_does_not(self) -> None:
        waited = run(
            WHOLE,
            """
            people: never
            actions:
              - {at: +10 hours, do: wait, step: outreach, reason: holiday, until: +100 hours}
            """,
        )
        assert in_hours(waited, Breached) == [148]
        snoozed = run(
            WHOLE,
            """
            people: never
            actions: [{at: +10 hours, do: snooze, step: outreach, until: +100 hours}]
            """,
        )
        assert in_hours(snoozed, Breached) == [48]

    def test_a_pause_moves_what_is_due(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions: [{at: +10 hours, do: pause}, {at: +30 hours, do: resume}]
            """,
        )
        assert in_hours(simulation, Breached) == [68]

    def test_a_waiver_is_decided_by_another_person(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions:
              - {at: +1 hours, do: waive, step: outreach}
              - {at: +2 hours, do: approve, step: outreach, by: csm}
              - {at: +3 hours, do: approve, step: outreach}
            """,
        )
        refused = [line.refused for line in simulation.lines if line.refused]
        assert refused == ["role_may_not"]
        assert simulation.state.steps[0].status is StepStatus.waived

    def test_acknowledging_holds_the_ladder_and_does_not_silence_it(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions: [{at: +53 hours, do: acknowledge, step: outreach}]
            """,
        )
        assert in_hours(simulation, Escalate) == [52, 84]

    def test_work_logged_late_was_in_time(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions:
              - {at: +72 hours, do: complete, step: outreach, occurred: -30 hours}
            """,
        )
        assert simulation.state.steps[0].breached_at is None
        assert simulation.state.steps[0].closed_at == MONDAY + timedelta(hours=72)

    def test_other_events_reach_the_machine_too(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions:
              - {at: +1 hours, do: reassign, step: outreach, to: Bert}
              - {at: +2 hours, do: complete, step: outreach}
              - {at: +3 hours, do: reopen, step: outreach}
              - {at: +4 hours, do: complete, step: outreach}
              - {at: +5 hours, do: complete, step: decide}
              - {at: +6 hours, do: complete, step: hand-off}
              - {at: +7 hours, do: decline, step: hand-off}
              - {at: +8 hours, do: team, role: account_manager, to: Nora}
              - {at: +9 hours, do: complete, step: hand-off}
              - {at: +10 hours, do: accept, step: hand-off}
              - {at: +11 hours, do: fact, fact: survey.response}
            """,
        )
        assert [line.refused for line in simulation.lines if line.refused] == []
        actors = [line.event.actor.member for line in simulation.lines]
        assert "Bert" in actors
        assert "Nora" in actors
        assert simulation.state.outcome_code == "steps_done"

    def test_a_refusal_is_a_line_and_changes_nothing(self) -> None:
        simulation = run(
            WHOLE,
            """
            people: never
            actions: [{at: +1 hours, do: complete, step: outreach, answers: {}}]
            """,
        )
        refusal = next(line for line in simulation.lines if line.refused)
        assert (refusal.number, refusal.refused) == (None, "evidence_missing")
        assert in_hours(simulation, Breached) == [48]

    def test_cancelling_ends_as_neutral(self) -> None:
        simulation = run(WHOLE, "actions: [{at: +1 hours, do: cancel, reason: false_alarm}]")
        assert (simulation.state.outcome, simulation.state.outcome_code) == (
            OutcomeKind.neutral,
            "false_alarm",
        )


class TestSequence:
    def test_numbers_have_no_gaps_and_instants_never_go_back(self) -> None:
        for people in People:
            simulation = run(WHOLE, Script(people=people))
            numbers = [line.number for line in simulation.lines]
            assert numbers == list(range(len(numbers)))
            instants = [line.at for line in simulation.lines]
            assert instants == sorted(instants)
            assert len({line.event.id for line in simulation.lines}) == len(numbers)

    def test_every_deadline_is_settled_at_its_own_instant(self) -> None:
        simulation = run(WHOLE, Script(people=People.late))
        settled = [line for line in simulation.lines if isinstance(line.event.body, DeadlinePassed)]
        assert settled
        assert not any(line.late for line in settled)

    def test_the_same_arguments_give_the_same_lines(self) -> None:
        assert run(WHOLE) == run(WHOLE)

    def test_it_takes_well_under_a_second(self) -> None:
        begun = time.process_time()
        run(WHOLE, Script(people=People.late))
        assert time.process_time() - begun < 0.5


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("actions: [{at: +1 hours, do: dance}]", "1:"),
            ("actions:\n  - {at: +1 hours, do: complete}", "2:5"),
            ("actions:\n  - {at: +1 hours, do: wait, step: outreach}", "2:5"),
            ("actions:\n  - {do: pause}", "2:5"),
            ("actions:\n  - {at: +1 hours, do: pause, colour: red}", "2:"),
            ("people: sometimes", "1:9"),
            ("actions: [", "1:"),
            ("- 1", "1:1"),
        ],
    )
    def test_a_script_that_makes_no_sense_says_where(self, text: str, place: str) -> None:
        with pytest.raises(Invalid) as caught:
            parse_script(text, "my.yaml")
        assert caught.value.code == "script_invalid"
        assert caught.value.message.startswith(f"my.yaml:{place}")

    def test_a_step_that_the_playbook_has_not(self) -> None:
        with pytest.raises(Invalid) as caught:
            run(WHOLE, "actions: [{at: +1 hours, do: complete, step: outreech}]")
        assert caught.value.code == "script_step_unknown"

    @pytest.mark.parametrize("at", ["soon", "day 1 25:00", "day 3", "+5 fortnights", "-1 hours"])
    def test_a_time_that_is_none_or_before_the_start(self, at: str) -> None:
        with pytest.raises(Invalid) as caught:
            run(WHOLE, f'actions: [{{at: "{at}", do: pause}}]')
        assert caught.value.code == "script_time"

    def test_a_start_that_the_playbook_refuses(self) -> None:
        with pytest.raises(Refused) as caught:
            simulate(
                WHOLE,
                SimulatedSubject({}, TEAM, plain_calendar(), {"alert": "payment"}),
                MONDAY,
            )
        assert caught.value.code == "unknown_parameter"


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("day 1 10:00", "2026-11-23 10:00"),
            ("day 3 09:30", "2026-11-25 09:30"),
            ("+50 hours", "2026-11-26 12:00"),
            ("+1 business day", "2026-11-25 10:00"),
            ("-2 hours", "2026-11-24 08:00"),
            ("2026-12-01T09:00:00Z", "2026-12-01 09:00"),
            ("2026-12-01T09:00:00+01:00", "2026-12-01 08:00"),
            ("2026-12-01 09:00", "2026-12-01 09:00"),
        ],
    )
    def test_days_count_from_the_start_and_plus_from_the_origin(
        self, text: str, expected: str
    ) -> None:
        origin = MONDAY + timedelta(hours=25)
        found = moment(text, MONDAY, origin, plain_calendar())
        assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


class TestReport:
    def test_it_holds_every_line_and_whom_it_tells(self) -> None:
        simulation = run(WHOLE, Script(people=People.late))
        report = simulation_to_json(WHOLE, simulation)
        assert report["outcome_code"] == "steps_done"
        assert len(report["lines"]) == len(simulation.lines)
        opened = report["lines"][0]["commands"][0]
        assert (opened["kind"], opened["step"], opened["to"]) == (
            "step_opened",
            "outreach",
            ["Anna"],
        )
