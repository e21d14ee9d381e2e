"""What differs between two versions of a playbook, in the playbook's own words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from domain.playbook.codec import definition_to_json
from domain.playbook.definition import Definition

_LISTS = {"phases": "key", "ladders": "key", "exits": "code"}
"""Parts that are lists, and what names one of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `part` is playbook, phase, step, exit or ladder; `field` None: all of it."""

    kind: Literal["added", "removed", "changed", "moved"]
    part: str
    key: str
    field: str | None = None
    before: Any = None
    after: Any = None


def difference(before: Definition, after: Definition) -> list[Difference]:
    """Every difference, by part. The order of steps within a phase has no meaning."""
    old, new = definition_to_json(before), definition_to_json(after)
    found = _fields("playbook", after.key, old, new, but=frozenset(_LISTS))
    for part, name in _LISTS.items():
        singular = part.removesuffix("s")
        found += _list(singular, _by(old.get(part, []), name), _by(new.get(part, []), name))
    places = ({s.key: p.key for p in d.phases for s in p.steps} for d in (before, after))
    old_place, new_place = places
    old_steps, new_steps = _steps(old), _steps(new)
    found += _list("step", old_steps, new_steps)
    found += [
        Difference("moved", "step", key, "phase", old_place[key], new_place[key])
        for key in new_steps
        if key in old_steps and old_place[key] != new_place[key]
    ]
    return found


def _steps(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["key"]: step for phase in definition["phases"] for step in phase.get("steps", [])}


def _by(rows: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    return {row[name]: row for row in rows}


def _list(
    part: str, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> list[Difference]:
    found = [Difference("removed", part, key) for key in before if key not in after]
    found += [Difference("added", part, key) for key in after if key not in before]
    for key in before:
        if key in after:
            found += _fields(part, key, before[key], after[key], but=frozenset({"steps"}))
    return found


def _fields(
    part: str, key: str, before: dict[str, Any], after: dict[str, Any], but: frozenset[str]
) -> list[Difference]:
    return [
        Difference("changed", part, key, name, before.get(name), after.get(name))
        for name in sorted((before.keys() | after.keys()) - but)
        if before.get(name) != after.get(name)
    ]
