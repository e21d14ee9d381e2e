"""What a playbook means, checked as a whole: names, people, triggers, exits.

Shapes have been read before; steps and their order are checked in `check_steps` and
`check_order`. Every fault goes to the reading, with the place where it is mended.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from domain.errors import Finding
from domain.playbook.check_order import check_order
from domain.playbook.check_steps import check_steps
from domain.playbook.definition import (
    NOT_EXECUTED_YET,
    Definition,
    Ladder,
    Op,
    Subject,
)
from domain.playbook.fields import (
    FACTS,
    FIELDS,
    START,
    FieldType,
    field_type,
    is_known_fact,
    is_known_field,
)
from domain.playbook.shapes import Mention, Named, Reading, suggestion
from domain.playbook.source import Node
from domain.playbook.spans import length

_CRON = re.compile(r"(?:[0-9*/,\-]+ ){4}[0-9*/,\-A-Za-z]+\Z", re.ASCII)

_NUMBER_OPS = (Op.below, Op.above, Op.at_least, Op.at_most)
_DATE_OPS = (Op.within_days, Op.older_than_days)


def check(
    definition: Definition,
    reading: Reading,
    ladders: Mapping[str, Ladder],
    known_playbooks: Collection[str],
) -> None:
    """Adds every fault of meaning to the reading."""
    _check_mentions(definition, reading, ladders, known_playbooks)
    _check_ladders(definition, reading)
    _check_trigger(definition, reading)
    _check_parameters(definition, reading)
    _check_phases(definition, reading)
    check_steps(definition, reading)
    check_order(definition, reading)
    _check_exits(definition, reading)


def embedded_ladders(definition: Definition, ladders: Mapping[str, Ladder]) -> Definition:
    """The definition with every ladder in it that it uses, its own first."""
    own = {ladder.key for ladder in definition.ladders}
    used = {step.ladder for step in definition.steps()} | {definition.escalation}
    more = tuple(ladders[key] for key in sorted(k for k in used if k) if key in ladders)
    return replace(
        definition, ladders=(*definition.ladders, *(each for each in more if each.key not in own))
    )


def read_fields(reading: Reading) -> tuple[str, ...]:
    """Every field of the subject that is named anywhere; parameters of the start are none."""
    named = {each.name for each in reading.mentions if each.named is Named.field}
    return tuple(sorted(name for name in named if not name.startswith(START)))


def not_supported(
    definition: Definition,
    file: str = "",
    nodes: Mapping[tuple[str, ...], Node] | None = None,
) -> list[Finding]:
    """Uses of what is parsed but not executed yet; publishing refuses them."""
    findings = []
    for step in definition.steps():
        if step.kind in NOT_EXECUTED_YET:
            node = (nodes or {}).get(("step", step.key, "kind"))
            findings.append(
                Finding(
                    file or definition.key,
                    node.line if node else 1,
                    node.column if node else 1,
                    "not_supported_yet",
                    f'Step "{step.key}" is of the kind {step.kind.value}; none is executed yet.',
                    "Use a task in its place until then.",
                )
            )
    return findings


# --- names --------------------------------------------------------------------------------


def _check_mentions(
    definition: Definition,
    reading: Reading,
    ladders: Mapping[str, Ladder],
    known_playbooks: Collection[str],
) -> None:
    steps = {step.key: step for step in definition.steps()}
    own_ladders = {*(ladder.key for ladder in definition.ladders), *ladders}
    for mention in list(reading.mentions):
        match mention.named:
            case Named.field:
                _check_field(definition, mention, reading)
            case Named.step:
                _check_known("step", mention, steps, reading)
            case Named.choice:
                if mention.name in steps:
                    step = steps[mention.name]
                    offered = {choice.key for choice in step.choices} | {
                        case.choice for case in step.cases
                    }
                    if mention.detail not in offered:
                        reading.fault(
                            mention.at,
                            "unknown_choice",
                            f'Step "{step.key}" never makes the choice "{mention.detail}".',
                            suggestion(str(mention.detail), offered)
                            if offered
                            else "It offers no choices: make it a branch.",
                        )
            case Named.ladder:
                _check_known("ladder", mention, own_ladders, reading)
            case Named.playbook:
                _check_known("playbook", mention, {*known_playbooks, definition.key}, reading)
                if mention.name == definition.key and mention.name:
                    reading.fault(
                        mention.at,
                        "own_playbook",
                        "A playbook cannot suspend or start itself.",
                        "Remove it.",
                    )
            case Named.fact:
                if not is_known_fact(mention.name):
                    reading.fault(
                        mention.at,
                        "unknown_fact",
                        f'Nothing records the fact "{mention.name}".',
                        suggestion(mention.name, FACTS)
                        + ' A fact of your own begins with "custom.".',
                    )


def _check_known(what: str, mention: Mention, known: Collection[str], reading: Reading) -> None:
    if mention.name not in known:
        reading.fault(
            mention.at,
            f"unknown_{what}",
            f'There is no {what} "{mention.name}".',
            suggestion(mention.name, known) if known else "None is known here.",
        )


def _check_field(definition: Definition, mention: Mention, reading: Reading) -> None:
    name = mention.name
    if name.startswith(START):
        parameter = name.removeprefix(START)
        if parameter not in definition.parameters:
            reading.fault(
                mention.at,
                "unknown_parameter",
                f'A start of this playbook carries no "{parameter}".',
                f'Add it to "parameters", which has: {", ".join(definition.parameters) or "none"}.',
            )
        _check_code(parameter, definition.allowed_codes(parameter), mention, reading)
        return
    if not is_known_field(name):
        reading.fault(
            mention.at,
            "unknown_field",
            f'There is no field "{name}".',
            suggestion(name, FIELDS) + ' A field of your own begins with "custom.".',
        )
        return
    known = field_type(name)
    if known is not None and definition.subject in (Subject.team, Subject.organization):
        reading.fault(
            mention.at,
            "unknown_field",
            f'A playbook for a {definition.subject.value} cannot read "{name}".',
            'Use a field that begins with "custom.", or another subject.',
        )
    elif known is not None and mention.detail is not None:
        check_field_type(name, known, mention, reading)


def _check_code(
    parameter: str, allowed: Collection[str] | None, mention: Mention, reading: Reading
) -> None:
    """A condition on a parameter compares it with codes that it may have."""
    if allowed is None or mention.detail is None or mention.detail[0] == "date":
        return
    op, value, at = mention.detail
    if op not in (Op.equals, Op.not_equals, Op.one_of):
        return
    for each in value if isinstance(value, tuple) else (value,):
        if each not in allowed:
            reading.fault(
                at,
                "unknown_value",
                f'"{parameter}" is never "{str(each)[:80]}".',
                suggestion(str(each), allowed),
            )


def check_field_type(name: str, known: FieldType, mention: Mention, reading: Reading) -> None:
    if mention.detail[0] == "date":
        wrong = known is not FieldType.date
        at, fix = mention.at, "Count from a date, as account.renewal_date."
    else:
        op, value, at = mention.detail
        fix = f"It is a {known.value}: {FIELDS[name][1]}."
        values = value if isinstance(value, tuple) else (value,)
        if op is Op.known:
            wrong = False
        elif op in _NUMBER_OPS:
            wrong = known is not FieldType.number
        elif op in _DATE_OPS:
            wrong = known is not FieldType.date
        else:
            wrong = not all(_fits(known, each) for each in values)
    if wrong:
        reading.fault(at, "field_type", f'"{name}" cannot be compared like this.', fix)


def _fits(known: FieldType, value: object) -> bool:
    match known:
        case FieldType.flag:
            return isinstance(value, bool)
        case FieldType.number:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.text | FieldType.date:
            return isinstance(value, str)


# --- the playbook as a whole --------------------------------------------------------------


def _check_ladders(definition: Definition, reading: Reading) -> None:
    used = {each.name for each in reading.mentions if each.named is Named.ladder}
    at = reading.at("playbook", "", "ladders")
    for ladder in definition.ladders:
        if ("playbook", "", "ladders") in reading.nodes and ladder.key not in used:
            reading.fault(
                at,
                "unused_ladder",
                f'No step uses the ladder "{ladder.key}".',
                'Name it by "escalation", or remove it.',
            )
        spans = [length(level.after) for level in ladder.levels]
        if spans != sorted(spans):
            reading.fault(
                at,
                "ladder_order",
                f'The levels of "{ladder.key}" are not in order of time.',
                "Sort them by after.",
            )


def _check_trigger(definition: Definition, reading: Reading) -> None:
    trigger = definition.trigger
    if trigger is None:
        return
    at = reading.at("playbook", "", "trigger")
    starts = (
        trigger.on
        or trigger.when
        or trigger.schedule
        or trigger.segment_entered
        or trigger.segment_left
        or trigger.anchor
    )
    if not starts:
        reading.fault(
            at, "empty_trigger", "This trigger says not when.", "Add on, when, schedule or anchor."
        )
    if trigger.schedule and not _CRON.match(trigger.schedule):
        reading.fault(
            at,
            "bad_schedule",
            f'"{trigger.schedule}" is no schedule.',
            'Give five fields as in cron: "0 9 * * 1" is Monday at nine.',
        )


def _check_parameters(definition: Definition, reading: Reading) -> None:
    for name, count in Counter(definition.parameters).items():
        if count > 1:
            reading.fault(
                reading.at("playbook", "", "parameters"),
                "duplicate_parameter",
                f'The parameter "{name}" stands there twice.',
                "Remove one.",
            )
    wanted = definition.concurrency_key
    if wanted is not None and wanted not in definition.parameters:
        reading.fault(
            reading.at("playbook", "", "concurrency_key"),
            "unknown_parameter",
            f'A start of this playbook carries no "{wanted}".',
            'Add it to "parameters".',
        )


def _check_phases(definition: Definition, reading: Reading) -> None:
    latest = 0
    for phase in definition.phases:
        starts = length(phase.starts) if phase.starts else None
        if phase.starts and phase.ends and length(phase.ends) <= length(phase.starts):
            reading.fault(
                reading.at("phase", phase.key, "ends"),
                "phase_ends_before_start",
                f'The phase "{phase.key}" ends before it begins.',
                "Let it end later.",
            )
        if starts is not None and starts < latest:
            reading.fault(
                reading.at("phase", phase.key, "starts"),
                "phase_order",
                f'The phase "{phase.key}" begins before the one above it.',
                "Order the phases by time.",
            )
        latest = max(latest, starts or 0)


def _check_exits(definition: Definition, reading: Reading) -> None:
    codes = Counter(rule.code for rule in definition.exits)
    has_required = any(step.required for step in definition.steps())
    for index, rule in enumerate(definition.exits):
        at = reading.nodes[("exit", str(index))]
        if rule.when is None and not rule.after and not rule.required_done:
            reading.fault(
                at,
                "empty_exit",
                "This exit says not when.",
                "Add a condition, after or required_done.",
            )
        if codes[rule.code] > 1:
            reading.fault(
                at,
                "duplicate_exit_code",
                f'Several exits have the code "{rule.code}".',
                'Give each a "code" of its own.',
            )
        if rule.held_for is not None and rule.when is None:
            reading.fault(
                at, "held_without_condition", "Nothing is held: there is no condition.", "Add one."
            )
        if rule.required_done and not has_required:
            reading.fault(
                at, "nothing_required", "No step is required.", 'Mark steps by "required: true".'
            )
