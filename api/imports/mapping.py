"""How the columns of a file become the fields of accounts or contacts, as the sender states it."""

from __future__ import annotations

import codecs
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.playbook.fields import FieldType, field_type, is_known_field


class ImportKind(StrEnum):
    accounts = "accounts"
    contacts = "contacts"


class Column(StrEnum):
    """What a value must be."""

    text = "text"
    number = "number"
    integer = "integer"
    cents = "cents"
    boolean = "boolean"
    date = "date"
    mail = "mail"
    contact_kind = "contact_kind"


TARGETS: dict[ImportKind, dict[str, Column]] = {
    ImportKind.accounts: {
        "external_id": Column.text,
        "name": Column.text,
        "stage": Column.text,
        "tier": Column.text,
        "plan": Column.text,
        "seats": Column.integer,
        "arr_cents": Column.cents,
        "currency": Column.text,
        "renewal_date": Column.date,
        "industry": Column.text,
        "country": Column.text,
        "customer_since": Column.date,
    },
    ImportKind.contacts: {
        "external_id": Column.text,
        "account": Column.text,
        "name": Column.text,
        "email": Column.mail,
        "phone": Column.text,
        "title": Column.text,
        "kind": Column.contact_kind,
    },
}
"""Fields by kind. `external_id` is the sender's id; `account` that of the contact's account."""

REQUIRED: dict[ImportKind, tuple[str, ...]] = {
    ImportKind.accounts: ("external_id", "name"),
    ImportKind.contacts: ("external_id", "account", "name"),
}

ATTRIBUTE = "attributes."
"""An account's column may also be kept as an attribute: `attributes.referral_source`."""

STATISTIC = "statistics."
"""Or go to a field that playbooks read: `statistics.health.score`."""

OF_FIELD: dict[FieldType, Column] = {
    FieldType.number: Column.number,
    FieldType.text: Column.text,
    FieldType.date: Column.date,
    FieldType.flag: Column.boolean,
}

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class Typed(BaseModel):
    """One column with what its values must be, where that is not the field's own kind."""

    model_config = ConfigDict(extra="forbid")

    column: ColumnName
    type: Column = Column.text
    date_format: Annotated[str, Field(max_length=40)] | None = None


class Mapping(BaseModel):
    """Field to column. Every date follows `date_format` (strptime), or its row is at fault."""

    model_config = ConfigDict(extra="forbid")

    kind: ImportKind
    columns: Annotated[dict[str, ColumnName | Typed], Field(min_length=1, max_length=200)]
    date_format: Annotated[str, Field(max_length=40)] = "%Y-%m-%d"
    encoding: Annotated[str, Field(max_length=40)] = "utf-8-sig"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    true_values: tuple[str, ...] = ("true", "yes", "1")
    false_values: tuple[str, ...] = ("false", "no", "0")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            info = codecs.lookup(value)
        except LookupError as error:
            raise ValueError("unknown encoding; name one as Python does, as latin-1") from error
        if not getattr(info, "_is_text_encoding", True):
            raise ValueError("not a text encoding")
        return "utf-8-sig" if info.name in {"utf-8", "utf-8-sig"} else info.name

    @model_validator(mode="after")
    def _known_fields(self) -> Mapping:
        own = TARGETS[self.kind]
        for field in self.columns:
            if field in own or (self.kind is ImportKind.accounts and _is_open(field)):
                continue
            raise ValueError(
                f"unknown field {field!r}; {self.kind} have {', '.join(own)}"
                + (
                    ", attributes.<name> and statistics.<field>"
                    if self.kind is ImportKind.accounts
                    else ""
                )
            )
        for field in REQUIRED[self.kind]:
            if field not in self.columns:
                raise ValueError(f"{field!r} must be mapped to a column")
        return self

    @cached_property
    def spellings(self) -> dict[str, bool]:
        """What a boolean's words mean, in lower case."""
        false = dict.fromkeys((word.casefold() for word in self.false_values), False)
        return false | dict.fromkeys((word.casefold() for word in self.true_values), True)

    def targets(self) -> list[Target]:
        """Every mapped field with its column and the kind of its values, in order."""
        made = []
        for field, stated in self.columns.items():
            typed = stated if isinstance(stated, Typed) else None
            kind = TARGETS[self.kind].get(field) or _open_kind(field, typed)
            column = typed.column if typed else str(stated)
            made.append(
                Target(
                    field=field,
                    column=column,
                    kind=kind,
                    required=field in REQUIRED[self.kind],
                    date_format=(typed.date_format if typed else None) or self.date_format,
                )
            )
        return made


def _is_open(field: str) -> bool:
    if field.startswith(STATISTIC):
        return is_known_field(field.removeprefix(STATISTIC))
    return field.startswith(ATTRIBUTE) and field != ATTRIBUTE


def _open_kind(field: str, typed: Typed | None) -> Column:
    known = field_type(field.removeprefix(STATISTIC)) if field.startswith(STATISTIC) else None
    if known is not None:
        return OF_FIELD[known]
    return typed.type if typed else Column.text


class Target(BaseModel):
    """One field that a row fills."""

    model_config = ConfigDict(frozen=True)

    field: str
    column: str
    kind: Column
    required: bool
    date_format: str
