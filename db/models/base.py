"""What every table shares: names of constraints, types of columns, the organization's key.

A table with an organization has the primary key `(org_id, …)` and refers to others by
`(org_id, x_id)`, so that no row can point into another organization. Instants are `timestamptz`.
Tables whose row hangs on another row of the same organization do not refer to `organizations`
themselves: their parent does.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        str: Text(),
        datetime: DateTime(timezone=True),
        date: Date(),
        UUID: Uuid(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text()),
        list[UUID]: ARRAY(Uuid()),
    }


class OfOrganization:
    """A table whose rows belong to one organization and have an id of their own."""

    org_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, sort_order=-2
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


class WithinOrganization:
    """The same, where the organization is vouched for by the row that this one hangs on."""

    org_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


def refers(*columns: str, to: str) -> ForeignKeyConstraint:
    """A reference inside the organization: `refers("account_id", to="accounts.id")`."""
    table, _, names = to.partition(".")
    targets = names.split(",")
    return ForeignKeyConstraint(
        ["org_id", *columns], [f"{table}.org_id", *(f"{table}.{name}" for name in targets)]
    )


def recorded() -> MappedColumn[datetime]:
    """The database's instant of the transaction that wrote the row."""
    return mapped_column(server_default=func.now())


def big(**options: Any) -> MappedColumn[Any]:
    """A 64 bit number: money in cents, versions, sequences."""
    return mapped_column(BigInteger, **options)


def no() -> MappedColumn[bool]:
    return mapped_column(server_default=text("false"))


def yes() -> MappedColumn[bool]:
    return mapped_column(server_default=text("true"))


def starting_at(start: int) -> MappedColumn[int]:
    return mapped_column(server_default=text(str(start)))


def empty_object() -> MappedColumn[dict[str, Any]]:
    return mapped_column(server_default=text("'{}'::jsonb"))


def empty_list() -> MappedColumn[list[Any]]:
    return mapped_column(server_default=text("'[]'::jsonb"))


def empty_array() -> MappedColumn[list[str]]:
    return mapped_column(server_default=text("'{}'::text[]"))


def word(default: str) -> MappedColumn[str]:
    """A short code with a default."""
    return mapped_column(server_default=text(f"'{default}'"))
