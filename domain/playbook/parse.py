"""From the text of a playbook to its Definition, or to every fault that it has.

Pure: the text comes in, nothing is read from anywhere else. Instants do not occur; durations are
as written, weeks of phases and times become days after the start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.playbook.blocks import Block, ConditionShape
from domain.playbook.check import check, embedded_ladders, read_fields
from domain.playbook.definition import (
    Anchor,
    Definition,
    Exit,
    ExpectedOutcome,
    Ladder,
    LadderLevel,
    OutcomeKind,
    Phase,
    Role,
    Subject,
    Trigger,
)
from domain.playbook.parameters import NAME, Parameters, ParametersShape
from domain.playbook.shapes import (
    Flag,
    Key,
    ListOf,
    MapOf,
    Named,
    Number,
    Reading,
    Text,
    TimeShape,
    Values,
    Word,
    code_word,
    duration,
    fact_name,
    key,
    phase_bound,
)
from domain.playbook.source import Faults, Node, read_source
from domain.playbook.steps import NO_TIME, STEP, recipients, role

SOURCE = Key("source", Text(400), 'where its numbers come from, or "our choice"')

LEVEL = Block(
    "level",
    "One level of a ladder.",
    (
        Key("after", duration(), "how long after the step was due", required=True),
        Key("tell", recipients(), "who is told", required=True),
        Key("takes_over", role(), "the role that takes the step over"),
        Key("urgent", Flag(), "told at once instead of in the digest; true by default"),
    ),
    lambda values, reading: LadderLevel(
        after=values.get("after", NO_TIME),
        tell=values.get("tell", ()),
        takes_over=values.get("takes_over"),
        urgent=values.get("urgent", True),
    ),
)


def _ladder(values: Values, reading: Reading) -> Ladder:
    return Ladder(
        key="",
        levels=values.get("levels", ()),
        acknowledged_for=values.get("acknowledged_for", NO_TIME),
        source=values.get("source", ""),
    )


LADDER = Block(
    "ladder",
    "Ordered levels of escalation after a step is due.",
    (
        Key("levels", ListOf(LEVEL, or_one=False, most=10), "in order of time", required=True),
        Key("acknowledged_for", duration(), "how long an acknowledgement holds it", required=True),
        SOURCE,
    ),
    _ladder,
)
LADDERS = MapOf(key(), LADDER)

TRIGGER = Block(
    "trigger",
    "The observable situation that proposes the playbook.",
    (
        Key("on", ListOf(fact_name()), "facts that ask for a look"),
        Key("when", ConditionShape(), "what has to be true"),
        Key("schedule", Text(100), "a schedule, as in cron"),
        Key("segment_entered", key(), "a segment that the subject enters"),
        Key("segment_left", key(), "a segment that the subject leaves"),
        Key("anchor", TimeShape(Anchor.start, "beginning"), "a date of the subject"),
        Key("cooldown", duration(), "not again for so long after an execution"),
        Key("auto_start", Flag(), "starts by itself; false by default"),
        Key("load_cap", Number(1, 1000), "new executions per owner and week by themselves"),
        Key("holdout", Number(0, 0.5, fractions=True), "the share that is left out to compare"),
        SOURCE,
    ),
    lambda values, reading: Trigger(
        on=values.get("on", ()),
        when=values.get("when"),
        schedule=values.get("schedule"),
        segment_entered=values.get("segment_entered"),
        segment_left=values.get("segment_left"),
        anchor=values.get("anchor"),
        cooldown=values.get("cooldown"),
        auto_start=values.get("auto_start", False),
        load_cap=values.get("load_cap"),
        holdout=float(values.get("holdout", 0.0)),
        source=values.get("source", ""),
    ),
)


def _expected(values: Values, reading: Reading) -> ExpectedOutcome | None:
    if values.condition is None:
        reading.fault(
            values.block,
            "missing_key",
            "The expected outcome has no condition.",
            "Add one, as in {field: health.score, above: 70, within: 8 weeks}.",
        )
        return None
    return ExpectedOutcome(
        values.condition, values.get("within", NO_TIME), values.get("source", "")
    )


EXPECTED = Block(
    "expected outcome",
    "What the playbook brings about, and by when: a condition, and `within`.",
    (Key("within", duration(), "after the start", required=True), SOURCE),
    _expected,
    inline=True,
)


def _phase(values: Values, reading: Reading) -> Phase:
    name = values.get("phase", "")
    reading.place("phase", name, values.block)
    return Phase(
        key=name,
        title=values.get("title", name.replace("-", " ").capitalize()),
        steps=values.get("steps", ()),
        starts=values.get("starts"),
        ends=values.get("ends"),
        source=values.get("source", ""),
    )


PHASE = Block(
    "phase",
    "A part of the playbook in time.",
    (
        Key("phase", key(), "its key, unique in the playbook", required=True),
        Key("title", Text(), "its name; by default made of the key"),
        Key("starts", phase_bound("beginning"), "when it begins; else after the phase before"),
        Key("ends", phase_bound("end"), "when it ends"),
        Key("steps", ListOf(STEP, or_one=False), "its steps", required=True),
        SOURCE,
    ),
    _phase,
)


@dataclass(frozen=True, slots=True)
class _UnnamedExit:
    """An exit before it knows its outcome, and where it stands."""

    rule: Exit
    at: Node


def _exit(values: Values, reading: Reading) -> _UnnamedExit:
    rule = Exit(
        outcome=OutcomeKind.neutral,
        code=values.get("code", ""),
        when=values.condition if values.condition is not None else values.get("when"),
        after=values.get("after", ()),
        required_done=values.get("required_done", False),
        held_for=values.get("held_for"),
        source=values.get("source", ""),
    )
    if values.condition is not None and values.get("when") is not None:
        reading.fault(
            values.node("when"),
            "bad_condition",
            "This exit has two conditions.",
            "Join them by when: {all: [...]}.",
        )
    return _UnnamedExit(rule, values.block)


EXIT = Block(
    "exit rule",
    "Closes the execution when all of it holds at once. A condition may stand inline.",
    (
        Key("code", code_word(), "what is counted; by default the outcome"),
        Key("when", ConditionShape(), "a condition"),
        Key("after", ListOf(key(Named.step)), "steps that have to be closed"),
        Key("required_done", Flag(), "every required step is done, waived or not needed"),
        Key("held_for", duration(), "the condition has to hold for so long without a break"),
        SOURCE,
    ),
    _exit,
    inline=True,
)


def _exits(values: Values, reading: Reading) -> tuple[Exit, ...]:
    found: list[Exit] = []
    for outcome in OutcomeKind:
        unnamed: tuple[_UnnamedExit, ...] = values.get(outcome.value, ())
        for each in unnamed:
            rule = replace(each.rule, outcome=outcome, code=each.rule.code or outcome.value)
            reading.nodes[("exit", str(len(found)))] = each.at
            found.append(rule)
    return tuple(found)


EXITS = Block(
    "exit",
    "What closes an execution, by outcome; tried in the order success, failure, neutral.",
    (
        Key("success", ListOf(EXIT), "it did what it is for", required=True),
        Key("failure", ListOf(EXIT), "it did not"),
        Key("neutral", ListOf(EXIT), "it was not needed, withdrawn or superseded"),
    ),
    _exits,
)


def _definition(values: Values, reading: Reading) -> Definition:
    owner = values.get("owner", Role.csm)
    reading.place("playbook", "", values.block)
    phases: tuple[Phase, ...] = values.get("phases", ())
    parameters: Parameters = values.get("parameters", Parameters(()))
    return Definition(
        key=values.get("playbook", ""),
        name=values.get("name", ""),
        subject=values.get("subject", Subject.account),
        owner=owner,
        summary=values.get("summary", ""),
        phases=tuple(_owned(phase, owner, reading) for phase in phases),
        exits=values.get("exit", ()),
        ladders=tuple(replace(ladder, key=name) for name, ladder in values.get("ladders", ())),
        escalation=values.get("escalation"),
        trigger=values.get("trigger"),
        expected_outcome=values.get("expected_outcome"),
        concurrency_key=values.get("concurrency_key"),
        parameters=parameters.names,
        parameter_values=parameters.values,
        suspends=values.get("suspends", ()),
        precedence=values.get("precedence", 0),
        enabled_at_first=values.get("enabled_at_first", False),
    )


def _owned(phase: Phase, owner: Role, reading: Reading) -> Phase:
    """Steps that name no owner belong to the playbook's."""
    steps = tuple(
        step if ("step", step.key, "owner") in reading.nodes else replace(step, owner=owner)
        for step in phase.steps
    )
    return replace(phase, steps=steps)


PLAYBOOK = Block(
    "playbook",
    "A Holdfast playbook.",
    (
        Key("playbook", key(), "its key", required=True),
        Key("name", Text(), "its name", required=True),
        Key("subject", Word(Subject, "unknown_subject"), "what it is for; account by default"),
        Key("owner", role(), "the role that owns its steps", required=True),
        Key("summary", Text(1000), "what it brings about, in a sentence", required=True),
        Key("trigger", TRIGGER, "the situation that proposes it"),
        Key("suspends", ListOf(key(Named.playbook)), "playbooks that pause meanwhile"),
        Key("precedence", Number(0, 1000), "the higher one takes the lower one's cause along"),
        Key("enabled_at_first", Flag(), "switched on in a new organization"),
        Key("escalation", key(Named.ladder), "the ladder of steps that name none"),
        Key("ladders", LADDERS, "ladders of its own"),
        Key("parameters", ParametersShape(), "codes that a start carries: start.NAME"),
        Key("concurrency_key", NAME, "the parameter that lets several run side by side"),
        Key("expected_outcome", EXPECTED, "what it brings about, and by when"),
        Key("phases", ListOf(PHASE, or_one=False, most=30), "its parts", required=True),
        Key("exit", EXITS, "what closes it", required=True),
    ),
    _definition,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A definition that may be published, and where its parts stand in the text."""

    definition: Definition
    nodes: Mapping[tuple[str, ...], Node]


def parse_located(
    text: str, file: str, ladders: Mapping[str, Ladder], known_playbooks: Collection[str]
) -> Parsed:
    """As `parse_playbook`, with the places of steps and phases."""
    faults = Faults(file)
    reading = Reading(faults)
    root = read_source(text, faults)
    if root is None:
        faults.raise_any()
        raise AssertionError("read_source gives a root or a finding")
    definition: Definition = PLAYBOOK.read(root, reading)
    definition = embedded_ladders(definition, ladders)
    check(definition, reading, ladders, known_playbooks)
    faults.raise_any()
    return Parsed(replace(definition, reads=read_fields(reading)), reading.nodes)


def parse_playbook(
    text: str, file: str, ladders: Mapping[str, Ladder], known_playbooks: Collection[str]
) -> Definition:
    """The checked definition; raises PlaybookInvalid with every fault found.

    `ladders` are the organization's, which the playbook may name; those that it uses are
    embedded. `known_playbooks` are the keys that it may suspend or start, beside its own.
    """
    return parse_located(text, file, ladders, known_playbooks).definition


def parse_ladders(text: str, file: str) -> dict[str, Ladder]:
    """The ladders of a ladder file, by key; raises PlaybookInvalid with every fault found."""
    faults = Faults(file)
    reading = Reading(faults)
    root = read_source(text, faults)
    pairs: Any = LADDERS.read(root, reading) if root is not None else None
    faults.raise_any()
    return {name: replace(ladder, key=name) for name, ladder in pairs or ()}
