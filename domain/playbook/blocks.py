"""Mappings of the language: their keys, and conditions, which may also stand inline in a block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.playbook.definition import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Duration,
    Not,
    Op,
    StepIs,
    Unit,
)
from domain.playbook.grammar import FIELD_PATTERN, KEY_PATTERN, NotATime, parse_duration
from domain.playbook.shapes import (
    Key,
    ListOf,
    Mention,
    Named,
    Reading,
    Schema,
    Values,
    field_name,
    key,
    shown,
    suggestion,
)
from domain.playbook.source import Mapping, Node, Scalar, Sequence
from domain.playbook.state import StepStatus

OPS: dict[str, Op] = {
    "below": Op.below,
    "above": Op.above,
    "at_least": Op.at_least,
    "at_most": Op.at_most,
    "is": Op.equals,
    "is_not": Op.not_equals,
    "in": Op.one_of,
    "within": Op.within_days,
    "older_than": Op.older_than_days,
    "known": Op.known,
}
"""The words for comparisons in YAML. `within` and `older_than` take days or weeks."""

FORMS = ("field", "step", "all", "any", "not")
CONDITION_KEYS = frozenset({*FORMS, "choice", "status", *OPS})


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping with known keys. With `inline` its remaining keys may be those of a condition."""

    name: str
    words: str
    keys: tuple[Key, ...]
    build: Callable[[Values, Reading], Any]
    inline: bool = False

    def read(self, node: Node, reading: Reading) -> Any:
        if not isinstance(node, Mapping):
            reading.fault(
                node,
                "not_a_mapping",
                f"Here stands {shown(node)} in place of a mapping: the {self.name}.",
                f"Known keys: {', '.join(each.name for each in self.keys)}.",
            )
            return None
        known = {each.name: each for each in self.keys}
        read: dict[str, Any] = {}
        condition: list[tuple[Scalar, Node]] = []
        for name_node, value_node in node.entries:
            name = str(name_node.value)
            if reading.faults.full:
                break
            if name in known:
                if isinstance(value_node, Scalar) and value_node.value is None:
                    reading.fault(
                        name_node,
                        "empty_value",
                        f'"{name}" has no value.',
                        "Give it one, or remove the key.",
                    )
                    continue
                read[name] = known[name].shape.read(value_node, reading)
            elif self.inline and name in CONDITION_KEYS:
                condition.append((name_node, value_node))
            else:
                reading.fault(
                    name_node,
                    "unknown_key",
                    f'There is no key "{name[:80]}" in this {self.name}.',
                    suggestion(name, [*known, *(CONDITION_KEYS if self.inline else ())]),
                )
        for each in self.keys:
            if each.required and node.get(each.name) is None:
                reading.fault(
                    node,
                    "missing_key",
                    f'This {self.name} has no "{each.name}".',
                    f'Add "{each.name}": {each.words}',
                )
        inline = None
        if condition:
            first = condition[0][0]
            inline = read_condition(Mapping(tuple(condition), first.line, first.column), reading)
        return self.build(Values(node, read, inline), reading)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        reference = {"$ref": f"#/$defs/{self.name.replace(' ', '-')}"}
        name = self.name.replace(" ", "-")
        if name in defs:
            return reference
        defs[name] = {}  # so that a block may contain itself
        properties = {
            each.name: {"description": each.words, **each.shape.schema(defs)} for each in self.keys
        }
        if self.inline:
            schema = condition_schema(defs, properties)
        else:
            schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [each.name for each in self.keys if each.required]
        defs[name] = {
            "description": self.words,
            **schema,
            **({"required": required} if required else {}),
        }
        return reference


@dataclass(frozen=True, slots=True)
class ConditionShape:
    """A condition on fields and steps, as a mapping."""

    def read(self, node: Node, reading: Reading) -> Condition | None:
        return read_condition(node, reading)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        if "condition" not in defs:
            defs["condition"] = {}
            defs["condition"] = {
                "description": "A condition: on a field, on a step, or of other conditions.",
                **condition_schema(defs, {}),
                "anyOf": [{"required": [form]} for form in FORMS],
            }
        return {"$ref": "#/$defs/condition"}


def condition_schema(defs: dict[str, Schema], more: dict[str, Schema]) -> Schema:
    """The schema of a mapping that is a condition and has other keys beside."""
    nested = ConditionShape().schema(defs)
    scalar: Schema = {"type": ["string", "number", "boolean"]}
    days: Schema = {"type": "string", "pattern": "^[0-9]{1,5} (?:day|week)s?$"}
    by_op: dict[str, Schema] = {
        **{op: {"type": "number"} for op in ("below", "above", "at_least", "at_most")},
        **{op: scalar for op in ("is", "is_not")},
        "in": {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1},
        "within": days,
        "older_than": days,
        "known": {"type": "boolean"},
    }
    return {
        "type": "object",
        "properties": {
            "field": {"type": "string", "pattern": FIELD_PATTERN},
            "step": {"type": "string", "pattern": KEY_PATTERN},
            "choice": {"type": "string", "pattern": KEY_PATTERN},
            "status": {"enum": [status.value for status in StepStatus]},
            "all": {"type": "array", "items": nested, "minItems": 1},
            "any": {"type": "array", "items": nested, "minItems": 1},
            "not": nested,
            **by_op,
            **more,  # last: the "within" of an expected outcome is its own
        },
        "additionalProperties": False,
    }


def read_condition(node: Node, reading: Reading) -> Condition | None:
    """A condition from its mapping; faults give None."""
    if not isinstance(node, Mapping):
        reading.fault(
            node,
            "bad_condition",
            f"A condition is a mapping, not {shown(node)}.",
            "Write it as in {field: health.score, below: 70}.",
        )
        return None
    names = [str(name.value) for name, _ in node.entries]
    for name_node, _ in node.entries:
        if name_node.value not in CONDITION_KEYS:
            reading.fault(
                name_node,
                "unknown_key",
                f'A condition has no key "{str(name_node.value)[:80]}".',
                suggestion(str(name_node.value), CONDITION_KEYS),
            )
    forms = [name for name in names if name in FORMS]
    if len(forms) != 1:
        reading.fault(
            node,
            "bad_condition",
            "A condition says one thing: a field, a step, all, any or not."
            if forms
            else "This condition names neither a field nor a step, nor all, any or not.",
            "Join several by {all: [...]} or {any: [...]}.",
        )
        return None
    form = forms[0]
    allowed = {"field": {"field", *OPS}, "step": {"step", "choice", "status"}}.get(form, {form})
    for name_node, _ in node.entries:
        if name_node.value in CONDITION_KEYS and name_node.value not in allowed:
            reading.fault(
                name_node,
                "bad_condition",
                f'"{name_node.value}" does not go with "{form}".',
                "Join several conditions by {all: [...]} or {any: [...]}.",
            )
    value = node.get(form)
    assert value is not None
    if form == "field":
        return _compare(node, value, reading)
    if form == "step":
        return _step_is(node, value, reading)
    if form == "not":
        inner = read_condition(value, reading)
        return None if inner is None else Not(inner)
    conditions = ListOf(ConditionShape(), or_one=False).read(value, reading)
    if not conditions:
        return None
    return AllOf(conditions) if form == "all" else AnyOf(conditions)


def _compare(node: Mapping, name_node: Node, reading: Reading) -> Condition | None:
    before = len(reading.mentions)
    name = field_name().read(name_node, reading)
    ops = [(each, value) for each, value in node.entries if each.value in OPS]
    if len(ops) != 1:
        reading.fault(
            node,
            "bad_condition",
            "A field is compared exactly once.",
            f"Give one of: {', '.join(OPS)}.",
        )
        return None
    op = OPS[str(ops[0][0].value)]
    value = _operand(op, ops[0][1], reading)
    if name is None or value is None:
        return None
    reading.mentions[before:] = [Mention(Named.field, name, name_node, (op, value, ops[0][1]))]
    return Compare(name, op, value)


def _operand(op: Op, node: Node, reading: Reading) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if op in (Op.below, Op.above, Op.at_least, Op.at_most) and is_number:
        return value
    if op in (Op.equals, Op.not_equals) and value is not None:
        return value
    if op is Op.known and isinstance(value, bool):
        return value
    if op is Op.one_of and isinstance(node, Sequence) and node.items:
        items = [item.value if isinstance(item, Scalar) else None for item in node.items]
        if all(isinstance(item, str | int | float) for item in items):
            return tuple(items)
    if op in (Op.within_days, Op.older_than_days) and isinstance(value, str):
        try:
            span = parse_duration(value)
        except NotATime:
            span = Duration(0, Unit.hour)
        if span.unit in (Unit.day, Unit.week):
            return span.amount * (7 if span.unit is Unit.week else 1)
    reading.fault(
        node,
        "bad_operand",
        f'{shown(node)} cannot be compared by "{_word(op)}".',
        {
            Op.one_of: "Give a list of words or numbers.",
            Op.known: "Write true or false.",
            Op.within_days: 'Give days or weeks, as "90 days".',
            Op.older_than_days: 'Give days or weeks, as "30 days".',
            Op.equals: "Give a word, a number, true or false.",
            Op.not_equals: "Give a word, a number, true or false.",
        }.get(op, "Give a number."),
    )
    return None


def _word(op: Op) -> str:
    return next(word for word, each in OPS.items() if each is op)


def _step_is(node: Mapping, name_node: Node, reading: Reading) -> Condition | None:
    name = key(Named.step).read(name_node, reading)
    choice, status = node.get("choice"), node.get("status")
    if (choice is None) == (status is None):
        reading.fault(
            node,
            "bad_condition",
            "A condition on a step names its choice or its status.",
            "Add one of the two: {step: assess, choice: intervene}.",
        )
        return None
    if choice is not None:
        value = key().read(choice, reading)
        if name is None or value is None:
            return None
        reading.mention(Named.choice, name, choice, value)
        return StepIs(name, "choice", value)
    assert status is not None
    word = status.value if isinstance(status, Scalar) else None
    known = [each.value for each in StepStatus]
    if word not in known:
        reading.fault(
            status, "unknown_status", f"{shown(status)} is no status.", suggestion(str(word), known)
        )
        return None
    return None if name is None else StepIs(name, "status", str(word))
