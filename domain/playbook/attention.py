"""Which changes of an account's fields an execution has to be told of (law 15).

Every comparison is looked at by itself: one that is part of a larger condition may decide it
later, when a step has been decided or another field has changed, and then has to be up to date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from domain.playbook.definition import (
    AllOf,
    Anchor,
    AnyOf,
    Compare,
    Condition,
    Definition,
    Not,
    Op,
    Step,
    TimeSpec,
    Value,
)
from domain.playbook.draft import Draft
from domain.playbook.events import SYSTEM
from domain.playbook.state import State


def concerns(
    definition: Definition, state: State, fields: Mapping[str, Value], now: datetime
) -> bool:
    """Whether these new values turn a condition of the definition, or move a date it counts from.

    `fields` are all fields of the subject as they are now; those that it does not read are no
    matter. `now` is an aware UTC instant.
    """
    read = {name: fields.get(name) for name in definition.reads}
    if all(state.fields.get(name) == value for name, value in read.items()):
        return False
    before = Draft(definition, state, now, SYSTEM)
    after = Draft(definition, replace(state, fields=read), now, SYSTEM)
    for name in _dates(definition):
        if state.fields.get(name) != read.get(name):
            return True
    return any(before.truth(c) is not after.truth(c) for c in _comparisons(definition))


def _comparisons(definition: Definition) -> Iterator[Compare]:
    for condition in _conditions(definition):
        yield from _parts(condition)


def _parts(condition: Condition) -> Iterator[Compare]:
    match condition:
        case Compare():
            yield condition
        case AllOf() | AnyOf():
            for part in condition.conditions:
                yield from _parts(part)
        case Not():
            yield from _parts(condition.condition)
        case _:
            return


def _conditions(definition: Definition) -> Iterator[Condition]:
    for rule in definition.exits:
        if rule.when is not None:
            yield rule.when
    for step in definition.steps():
        yield from _conditions_of_step(step)


def _conditions_of_step(step: Step) -> Iterator[Condition]:
    if step.when is not None:
        yield step.when
    if step.wait is not None and step.wait.condition is not None:
        yield step.wait.condition
    for case in step.cases:
        if case.when is not None:
            yield case.when


def _dates(definition: Definition) -> Iterator[str]:
    for step in definition.steps():
        for spec in (step.opens, step.due, step.wait.until if step.wait else None):
            yield from _date(spec)
    for comparison in _comparisons(definition):
        if comparison.op in (Op.within_days, Op.older_than_days):
            yield comparison.field  # its turn by time alone is counted from the date


def _date(spec: TimeSpec | None) -> Iterator[str]:
    if spec is not None and spec.anchor is Anchor.field and spec.ref is not None:
        yield spec.ref
