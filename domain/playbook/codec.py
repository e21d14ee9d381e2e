"""Definitions, states, events and commands as JSON and back, unchanged.

What is left out of the JSON has its default. So a new field with a default changes neither a
stored value nor a content hash (law 6); in return, the default of a field never changes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar, cast

import orjson
import rfc8785
from pydantic import TypeAdapter

from domain.playbook.commands import Command
from domain.playbook.definition import Condition, Definition, Ladder
from domain.playbook.events import Event
from domain.playbook.state import State

Json = dict[str, Any]
_STRICT = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_WRITTEN_DIFFERENTLY = re.compile(rb'(?:^|":|[\[,])-?\d+(?:[.eE]|\d{15})')
"""Fractions and long numbers; also some within strings, where the slow way does no harm."""
T = TypeVar("T")

_DEFINITION: TypeAdapter[Definition] = TypeAdapter(Definition)
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
_LADDER: TypeAdapter[Ladder] = TypeAdapter(Ladder)
_STATE: TypeAdapter[State] = TypeAdapter(State)
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_COMMAND: TypeAdapter[Command] = TypeAdapter(Command)


def definition_to_json(definition: Definition) -> Json:
    """Plain JSON values, fit for a JSONB column."""
    return cast(Json, _compact(definition))


def definition_from_json(value: Json | str | bytes) -> Definition:
    """The inverse of `definition_to_json`; raises pydantic's ValidationError on anything else."""
    return _read(_DEFINITION, value)


def condition_to_json(condition: Condition) -> Json:
    return cast(Json, _compact(condition))


def condition_from_json(value: Json | str | bytes) -> Condition:
    return _read(_CONDITION, value)


def ladder_to_json(ladder: Ladder) -> Json:
    return cast(Json, _compact(ladder))


def ladder_from_json(value: Json | str | bytes) -> Ladder:
    return _read(_LADDER, value)


def state_to_json(state: State) -> Json:
    """Plain JSON values; instants as ISO 8601 with "Z"."""
    if not state.former:
        return cast(Json, _STATE.dump_python(state, mode="json", exclude_defaults=True))
    rest = replace(state, former=())  # rules keep every `kind`, as in a definition
    return {**state_to_json(rest), "former": _compact(state.former)}


def state_from_json(value: Json | str | bytes) -> State:
    return _read(_STATE, value)


def event_to_json(event: Event) -> Json:
    return cast(Json, _compact(event))


def event_from_json(value: Json | str | bytes) -> Event:
    return _read(_EVENT, value)


def command_to_json(command: Command) -> Json:
    return cast(Json, _compact(command))


def command_from_json(value: Json | str | bytes) -> Command:
    return _read(_COMMAND, value)


def canonical_json(value: object) -> bytes:
    """RFC 8785: the one way to write JSON values, so that equal values have equal digests.

    Where the two agree, orjson writes it many times as fast as the library in pure Python: ASCII
    alone, whose keys sort alike, and no numbers but integers of up to fifteen digits.
    """
    try:
        quick = orjson.dumps(value, option=_STRICT)
    except TypeError:
        return rfc8785.dumps(cast(Any, value))
    differs = (
        not quick.isascii()
        or _WRITTEN_DIFFERENTLY.search(quick) is not None
        or (b"null" in quick and _has_fractions(value))  # NaN is written as null
    )
    return rfc8785.dumps(cast(Any, value)) if differs else quick


def _has_fractions(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_fractions, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_fractions, value))
    return isinstance(value, float)


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def content_hash(definition: Definition) -> str:
    """What freezes a playbook version (law 6): SHA-256 over its canonical JSON, in hex."""
    return digest(definition_to_json(definition))


def _read(adapter: TypeAdapter[T], value: Json | str | bytes) -> T:
    if isinstance(value, dict):
        return adapter.validate_python(value)
    return adapter.validate_json(value)


def _compact(value: Any) -> Any:
    """JSON values of a dataclass without the fields that have their default; `kind` always."""
    if is_dataclass(value):
        return {
            field.name: _compact(content)
            for field in fields(value)
            for content in (getattr(value, field.name),)
            if field.name == "kind" or not _is_default(field, content)
        }
    if isinstance(value, tuple | list):
        return [_compact(item) for item in value]
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _is_default(field: Any, content: object) -> bool:
    if field.default is not MISSING:
        # True == 1 in Python, so the types have to agree as well.
        return content == field.default and type(content) is type(field.default)
    return field.default_factory is not MISSING and content == field.default_factory()
