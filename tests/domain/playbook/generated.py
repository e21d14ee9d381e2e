"""Strategies: small definitions such as the checker lets pass, and what may happen to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from domain.calendars import CalendarSnapshot, plain_calendar
from domain.playbook import events as e
from domain.playbook.definition import (
    Anchor,
    Case,
    Choice,
    Compare,
    Condition,
    Definition,
    Duration,
    EvidenceField,
    EvidenceType,
    Exit,
    HandOff,
    Ladder,
    Not,
    Op,
    OutcomeKind,
    Outgoing,
    Phase,
    Repeat,
    Role,
    Step,
    StepIs,
    StepKind,
    Survey,
    TimeSpec,
    Unit,
    Value,
    Wait,
)
from domain.playbook.events import SYSTEM, Actor
from domain.playbook.state import State
from tests.domain.playbook.definitions import (
    AUDITOR,
    CSM,
    DIRECTOR,
    MANAGER,
    OTHER_CSM,
    OTHER_DIRECTOR,
    berlin,
    level,
    playbook,
)

T = TypeVar("T")

ACTORS = (CSM, OTHER_CSM, MANAGER, DIRECTOR, OTHER_DIRECTOR, AUDITOR, SYSTEM)
RENEWAL = "account.renewal_date"
SCORE = "health.score"
STAGE = "account.stage"
TOUCH = "touch.last_at"

actors = st.one_of(
    st.sampled_from(ACTORS),
    st.builds(lambda a, b: replace(a, on_behalf_of=b.member), *[st.sampled_from(ACTORS)] * 2),
)
calendars = st.sampled_from([plain_calendar(), berlin("2026-04-03", "2026-04-06")])
durations = st.builds(
    Duration,
    st.integers(0, 40),
    st.sampled_from([Unit.hour, Unit.day, Unit.business_hour, Unit.business_day]),
)
some_time = st.builds(
    Duration, st.integers(1, 40), st.sampled_from([Unit.hour, Unit.day, Unit.business_hour])
)
values: dict[str, st.SearchStrategy[Value]] = {
    SCORE: st.sampled_from([None, 40, 69.9, 70.0, 70.1, 90]),
    STAGE: st.sampled_from([None, "customer", "churned"]),
    RENEWAL: st.sampled_from([None, "2026-03-20", "2026-06-01", "2027-01-01", "9999-12-31", "?"]),
    TOUCH: st.sampled_from([None, "2026-02-20T10:30:00Z", "2026-03-10T10:30:00Z"]),
}
anything: st.SearchStrategy[Value] = st.sampled_from(
    [None, True, False, 0, 7, 55.5, 69, 71, 90, "customer", "churned", "2026-04-10", "?"]
)


def fields_of(definition: Definition) -> st.SearchStrategy[dict[str, Value]]:
    """Some values, fitting or not, of some of the fields that it reads."""
    read = {name: values.get(name, anything) for name in definition.reads}
    return st.fixed_dictionaries({}, optional=read or values)


def conditions(steps: list[Step]) -> st.SearchStrategy[Condition]:
    simple: list[st.SearchStrategy[Condition]] = [
        st.sampled_from(
            [
                Compare(SCORE, Op.above, 70),
                Compare(SCORE, Op.known, False),
                Compare(STAGE, Op.equals, "churned"),
                Compare(RENEWAL, Op.within_days, 30),
                Compare(TOUCH, Op.older_than_days, 20),
            ]
        )
    ]
    if steps:
        simple.append(
            st.builds(
                StepIs,
                st.sampled_from([s.key for s in steps]),
                st.just("choice"),
                st.sampled_from(["yes", "no"]),
            )
        )
    return st.one_of(*simple, st.builds(Not, simple[0]))


def seldom(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.integers(0, 4).flatmap(lambda n: strategy if n == 4 else st.none())


def times(
    earlier: list[Step], ends: Duration | None, *, opening: bool
) -> st.SearchStrategy[TimeSpec]:
    anchors: list[st.SearchStrategy[TimeSpec]] = [
        st.builds(TimeSpec, durations, st.sampled_from([Anchor.start, Anchor.phase_start])),
        st.builds(TimeSpec, durations, st.just(Anchor.field), st.booleans(), st.just(RENEWAL)),
    ]
    if opening:
        anchors += [st.builds(TimeSpec, durations, st.just(Anchor.opening))] * 2
    if ends is not None:
        anchors.append(st.builds(TimeSpec, durations, st.just(Anchor.phase_end), st.booleans()))
    if earlier:
        keys = st.sampled_from([s.key for s in earlier])
        anchors.append(
            st.builds(TimeSpec, durations, st.just(Anchor.step), st.booleans(), ref=keys)
        )
    return st.one_of(*anchors)


@st.composite
def steps(draw: st.DrawFn, key: str, earlier: list[Step], ends: Duration | None) -> Step:
    kinds = [k for k in StepKind if k not in (StepKind.mail, StepKind.start_playbook)]
    kind = draw(st.sampled_from([StepKind.task] * 6 + [StepKind.hand_off] * 2 + kinds))
    keys = [s.key for s in earlier]
    more: dict[str, Any] = {
        "required": draw(st.booleans()),
        "after": tuple(draw(st.lists(st.sampled_from(keys), unique=True, max_size=2)))
        if keys
        else (),
        "opens": draw(seldom(times(earlier, ends, opening=False))),
        "when": draw(seldom(conditions(earlier))),
    }
    if kind in (StepKind.task, StepKind.approval, StepKind.hand_off, StepKind.branch):
        more["due"] = draw(times(earlier, ends, opening=True))
        more["reminders"] = draw(
            st.sampled_from([(), (Duration(1, Unit.hour),)])
            | st.just((Duration(2, Unit.day), Duration(1, Unit.business_day)))
        )
    if kind is StepKind.task:
        more["completes_on"] = draw(st.sampled_from([(), ("touch.meeting",), ("touch",)]))
        more["evidence"] = draw(st.sampled_from([(), EVIDENCE]))
        more["repeat"] = draw(st.none() | repeats(ends))
        more["waiting_limit"] = draw(some_time)
    more |= draw(kind_of(kind, earlier))
    return Step(key, key, kind, draw(st.sampled_from([Role.csm, Role.csm, Role.finance])), **more)


EVIDENCE = (
    EvidenceField("score", EvidenceType.number, "Score", minimum=0, maximum=10),
    EvidenceField("touch", EvidenceType.touch, "Touch"),
    EvidenceField("note", EvidenceType.text, "Note", required=False),
)


def repeats(ends: Duration | None) -> st.SearchStrategy[Repeat]:
    every = st.builds(Duration, st.integers(2, 9), st.sampled_from([Unit.day, Unit.business_day]))
    limited = st.builds(Repeat, every, st.booleans(), st.integers(1, 4))
    return limited if ends is None else limited | st.builds(Repeat, every)


@st.composite
def kind_of(draw: st.DrawFn, kind: StepKind, earlier: list[Step]) -> dict[str, Any]:
    choices = (Choice("yes", "Yes"), Choice("no", "No"))
    match kind:
        case StepKind.approval:
            return {"approver": Role.director, "choices": draw(st.sampled_from([(), choices]))}
        case StepKind.hand_off:
            return {"hand_off": HandOff(Role.account_manager, draw(some_time))}
        case StepKind.survey:
            closes = Duration(draw(st.integers(2, 20)), Unit.day)
            reminder = draw(st.sampled_from([None, Duration(1, Unit.day)]))
            return {"survey": Survey("nps", reminder, closes), "completes_on": ("survey.response",)}
        case StepKind.wait:
            return {"wait": draw(waits(earlier))}
        case StepKind.branch:
            cases = (Case("yes", draw(conditions(earlier))), Case("no", None))
            return draw(st.sampled_from([{"choices": choices}, {"cases": cases}]))
        case StepKind.notify | StepKind.webhook | StepKind.crm_update:
            return {"outgoing": Outgoing("told", waits_for_result=draw(st.booleans()))}
        case _:
            return {}


def waits(earlier: list[Step]) -> st.SearchStrategy[Wait]:
    return st.one_of(
        st.builds(Wait, duration=durations),
        st.builds(Wait, until=times(earlier, None, opening=False)),
        st.builds(Wait, condition=conditions(earlier), at_most=some_time),
    )


@st.composite
def exits(draw: st.DrawFn, every: list[Step]) -> tuple[Exit, ...]:
    keys = [s.key for s in every]
    return tuple(
        Exit(
            kind,
            kind.value,
            draw(conditions(every)),
            tuple(draw(st.lists(st.sampled_from(keys), max_size=2))),
            draw(st.booleans()),
            draw(st.none() | some_time),
        )
        for kind in draw(st.lists(st.sampled_from(list(OutcomeKind)), unique=True, max_size=3))
    )


ladders = st.builds(
    lambda levels, hold: Ladder("ladder", tuple(levels), hold),
    st.lists(
        st.builds(
            lambda offset, role, over: level(offset, role, takes_over=role if over else None),
            durations,
            st.sampled_from([Role.director, Role.executive]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    some_time,
)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """One or two phases of up to three steps each; what may not be in a file is not here."""
    every: list[Step] = []
    phases: list[Phase] = []
    for number in range(draw(st.integers(1, 2))):
        starts = draw(st.none() | st.just(Duration(number * 7, Unit.day)))
        ends = draw(st.none() | st.just(Duration(number * 7 + 21, Unit.day)))
        here: list[Step] = []
        for _ in range(draw(st.integers(1, 3))):
            step = draw(steps(f"s{len(every)}", every, ends))
            here.append(step)
            every.append(step)
        phases.append(Phase(f"p{number}", f"p{number}", tuple(here), starts, ends))
    return playbook(
        *phases,
        exits=draw(exits(every)),
        ladders=(draw(ladders),),
        parameters=("receiver", "giver", "role"),
        suspends=draw(st.sampled_from([(), ("expansion",)])),
    )


@st.composite
def starts(draw: st.DrawFn, definition: Definition, calendar: CalendarSnapshot) -> e.Started:
    known = {"giver": "anna", "receiver": "marc", "role": "csm"}
    keys = [key for key in definition.parameters if key != definition.concurrency_key]
    chosen = draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    always = [definition.concurrency_key] if definition.concurrency_key else []
    codes = {key: definition.allowed_codes(key) or (known.get(key, "x"),) for key in keys + always}
    parameters = {key: draw(st.sampled_from(codes[key])) for key in (*always, *chosen)}
    return e.Started(draw(fields_of(definition)), calendar, parameters)


# --- what happens ---------------------------------------------------------------------------


def completion(step: Step, occurrence: int, at: datetime | None = None) -> e.StepCompleted:
    """A completion with everything that the step's form asks for."""
    answers: dict[str, Value] = {}
    rows: dict[str, str] = {}
    for field in step.evidence:
        match field.type:
            case EvidenceType.number:
                low = field.minimum if field.minimum is not None else 0
                answers[field.key] = field.maximum if field.maximum is not None else low
            case EvidenceType.choice:
                answers[field.key] = field.choices[0]
            case EvidenceType.date | EvidenceType.datetime:
                answers[field.key] = "2026-03-09"
            case _:
                rows[field.key] = f"row:{field.key}"
    choice = step.choices[occurrence % len(step.choices)].key if step.choices else None
    return e.StepCompleted(step.key, occurrence, choice, answers, rows, at)


@st.composite
def step_events(draw: st.DrawFn, step: Step, occurrence: int, now: datetime) -> e.Body:
    soon = draw(st.sampled_from([timedelta(hours=-1), timedelta(hours=5), timedelta(days=9)]))
    key = step.key
    some: list[e.Body] = [
        completion(step, occurrence),
        completion(step, occurrence),
        completion(step, occurrence, now + min(soon, -soon)),
        e.StepCompleted(key, occurrence),
        e.StepSkipped(key, occurrence),
        e.WaiverRequested(key, occurrence, expires_at=draw(st.sampled_from([None, now + soon]))),
        e.WaiverDecided(key, draw(st.booleans()), occurrence),
        e.WaitingStarted(key, "no_answer", now + soon, occurrence),
        e.WaitingEnded(key, occurrence),
        e.Snoozed(key, now + soon, occurrence),
        e.Reassigned(key, "ben", occurrence),
        e.Reopened(key, occurrence),
        e.HandOffDecided(key, draw(st.booleans()), occurrence),
        e.Acknowledged(key, occurrence),
        e.DeliveryEnded(key, draw(st.booleans()), occurrence),
    ]
    return draw(st.sampled_from(some))


@st.composite
def other_events(draw: st.DrawFn, definition: Definition, state: State, now: datetime) -> e.Body:
    back = timedelta(hours=draw(st.integers(-2, 90)))
    fields = fields_of(definition)
    version = max(0, state.fields_version + draw(st.integers(-2, 2)))
    some: list[e.Body] = [
        e.FactArrived("touch.meeting", "fact", now - back, {"score": 7}),
        e.FactArrived("survey.response", "fact", now - back, {"score": 99}),
        e.FieldsChanged(draw(fields), version),
        e.FieldsChanged(draw(fields), version),
        e.TeamChanged(Role.csm, "anna", "ben"),
        e.CalendarChanged(draw(calendars)),
        e.Paused(draw(st.sampled_from(["person", "other"]))),
        e.Resumed(draw(st.sampled_from(["person", "other"]))),
        e.Resumed("person"),
        e.DeadlinePassed("breach:s0#1", draw(st.integers(0, 1))),
        e.DeadlinePassed("turn", 0),
    ]
    return draw(st.sampled_from(some))


def bodies(definition: Definition, state: State, now: datetime) -> st.SearchStrategy[e.Body]:
    """Mostly about steps that are there; sometimes about one that is not."""
    there = [(s.key, s.occurrence) for s in state.steps]
    by_key = {step.key: step for step in definition.steps()}
    unborn = [(step.key, 1) for step in definition.steps()]
    live = [(s.key, s.occurrence) for s in state.steps if s.closed_at is None and s.opened_at]
    pairs = st.sampled_from(live or unborn) | st.sampled_from(there or unborn)
    about_steps = pairs.flatmap(lambda ref: step_events(by_key[ref[0]], ref[1], now))
    return st.one_of(about_steps, about_steps, about_steps, other_events(definition, state, now))


def worker_of(body: e.Body) -> Actor:
    """Somebody who may do it, most of the time: so that runs get somewhere."""
    if isinstance(body, e.HandOffDecided):
        return MANAGER
    return DIRECTOR if isinstance(body, e.Acknowledged | e.WaiverDecided) else SYSTEM
