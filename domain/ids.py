"""How ids are written and read. Making one needs a clock and randomness: see `runtime/ids.py`."""

from __future__ import annotations

from uuid import UUID

from domain.errors import Invalid


def parse_id(text: str, what: str = "id") -> UUID:
    """The id that `text` spells, in any case, with or without dashes.

    Raises Invalid (`invalid_id`).
    """
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError) as error:
        raise Invalid(
            f"This {what} is not an id. Send the id as it was given to you.", code="invalid_id"
        ) from error


def format_id(value: UUID) -> str:
    """The one spelling we give out: lower case, with dashes."""
    return str(value)
