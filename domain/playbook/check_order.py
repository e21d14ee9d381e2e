"""In which order steps can come: circles, and steps that nothing can ever open."""

from __future__ import annotations

from collections.abc import Iterator

from domain.playbook.definition import (
    AllOf,
    Anchor,
    AnyOf,
    Condition,
    Definition,
    Not,
    Step,
    StepIs,
)
from domain.playbook.shapes import Reading

Needs = dict[str, tuple[str, ...]]
"""Step key to the steps that have to be closed before it opens."""


def check_order(definition: Definition, reading: Reading) -> None:
    """Adds every fault of order to the reading."""
    steps = {step.key: step for step in definition.steps() if step.key}
    needs = {key: tuple(n for n in _needs(step) if n in steps) for key, step in steps.items()}
    in_circle = _check_circles(needs, reading)
    phase_of = {
        step.key: number for number, phase in enumerate(definition.phases) for step in phase.steps
    }
    for step in steps.values():
        for other in needs[step.key]:
            if phase_of[other] > phase_of[step.key]:
                reading.fault(
                    reading.at("step", step.key, "after", "opens"),
                    "unreachable_step",
                    f'Step "{step.key}" waits for "{other}", which stands in a later phase.',
                    "Move one of the two.",
                )
        if step.key not in in_circle:
            _check_what_is_read(definition, step, needs, phase_of, reading)


def _needs(step: Step) -> Iterator[str]:
    yield from step.after
    if step.opens is not None and step.opens.anchor is Anchor.step and not step.opens.before:
        yield step.opens.ref or ""


def _check_circles(needs: Needs, reading: Reading) -> set[str]:
    """Reports each circle once, at its first step; gives all steps that are in one."""
    in_circle: set[str] = set()
    for start in needs:
        if start in in_circle:
            continue
        path = _way_back(start, needs)
        if path:
            in_circle.update(path)
            reading.fault(
                reading.at("step", start, "after", "opens"),
                "circle",
                f"These steps wait for each other: {' after '.join([*path, start])}.",
                'Remove one of the "after".',
            )
    return in_circle


def _way_back(start: str, needs: Needs) -> list[str]:
    """The steps from `start` back to itself, empty where there is no such way."""
    stack = [(start, [start])]
    seen: set[str] = set()
    while stack:
        key, path = stack.pop()
        for other in needs[key]:
            if other == start:
                return path
            if other not in seen:
                seen.add(other)
                stack.append((other, [*path, other]))
    return []


def _check_what_is_read(
    definition: Definition,
    step: Step,
    needs: Needs,
    phase_of: dict[str, int],
    reading: Reading,
) -> None:
    """What a step reads of others when it opens has to be closed by then."""
    before = _all_before(step.key, needs)
    waits_for_phases = definition.phases[phase_of[step.key]].starts is None
    for name, other in (
        *(("when", each) for each in steps_of(step.when)),
        *(("cases", each) for case in step.cases for each in steps_of(case.when)),
        *(("due", each) for each in _due_from(step)),
    ):
        if other not in phase_of or other in before:
            continue
        if waits_for_phases and phase_of[other] < phase_of[step.key]:
            continue
        reading.fault(
            reading.at("step", step.key, name),
            "read_before_closed",
            f'"{step.key}" can open before "{other}" is closed, which its "{name}" asks for.',
            f'Add "{other}" to its "after".',
        )


def _due_from(step: Step) -> Iterator[str]:
    if step.due is not None and step.due.anchor is Anchor.step:
        yield step.due.ref or ""


def _all_before(key: str, needs: Needs) -> set[str]:
    found: set[str] = set()
    stack = [key]
    while stack:
        for other in needs[stack.pop()]:
            if other not in found:
                found.add(other)
                stack.append(other)
    return found


def steps_of(condition: Condition | None) -> set[str]:
    """Every step that a condition names."""
    match condition:
        case StepIs():
            return {condition.step}
        case AllOf() | AnyOf():
            return set().union(*(steps_of(each) for each in condition.conditions))
        case Not():
            return steps_of(condition.condition)
        case _:
            return set()
