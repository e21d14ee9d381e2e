"""The fields that playbooks read, as they are sent and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, field_validator

from api.shapes import Body, View
from api.touches.schemas import Reached
from domain.playbook.definition import Value
from domain.playbook.fields import FieldType, field_type, is_known_field

LONGEST_TEXT = 500


class StatisticsBody(Body):
    """New values by field; null takes one away. `version` is the one that was read, if checked."""

    fields: Annotated[dict[str, Value], Field(min_length=1, max_length=200)]
    version: Annotated[int, Field(ge=0, le=2**62)] | None = None

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, Value]) -> dict[str, Value]:
        for name, value in fields.items():
            if not is_known_field(name) or len(name) > 100:
                raise ValueError(f"unknown field {name[:100]!r}; own fields begin with 'custom.'")
            if isinstance(value, str) and (len(value) > LONGEST_TEXT or "\x00" in value):
                raise ValueError(f"{name} is longer than {LONGEST_TEXT} characters, or no text")
            kind = field_type(name)
            if value is not None and kind is not None and not _fits(kind, value):
                raise ValueError(f"{name} takes a {kind.value}")
        return fields


class StatisticsView(View):
    """`reached`: the executions whose conditions or dates the new values turned."""

    version: int
    fields: dict[str, Value]
    reached: list[Reached] = Field(default_factory=list)


def _fits(kind: FieldType, value: Value) -> bool:
    match kind:
        case FieldType.flag:
            return isinstance(value, bool)
        case FieldType.number:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.text:
            return isinstance(value, str)
        case FieldType.date:
            return isinstance(value, str) and _is_date(value)


def _is_date(value: str) -> bool:
    for reads in (date.fromisoformat, datetime.fromisoformat):
        try:
            reads(value)
        except ValueError:
            continue
        return True
    return False
