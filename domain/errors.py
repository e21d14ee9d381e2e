"""The one tree of domain errors: a stable code, and words that say what to do next.

Edges map these once: `api/problems.py` to problem+json, `activities/failures.py` to Temporal's
ApplicationError. Nobody parses messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class HoldfastError(Exception):
    """Base of every error we raise on purpose.

    `code` is stable and documented; `message` is for a person and says what to do next;
    `details` holds ids, codes and numbers only, never words of a customer.
    """

    code: str = "error"

    def __init__(
        self, message: str, *, code: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: dict[str, object] = dict(details or {})


class Refused(HoldfastError):
    """A command that the state of an execution does not allow. It changed nothing (law 7)."""

    code = "refused"


class NotFound(HoldfastError):
    """The thing does not exist, or not for this organization; the two look the same."""

    code = "not_found"


class Unauthenticated(HoldfastError):
    """Nobody we know: no credentials, or none that count any more."""

    code = "unauthenticated"


class Forbidden(HoldfastError):
    """The actor's roles do not allow this."""

    code = "forbidden"


class Conflict(HoldfastError):
    """Another open thing stands in the way, or somebody was faster."""

    code = "conflict"


class Invalid(HoldfastError):
    """Input that cannot be taken as it is."""

    code = "invalid"


class Unavailable(HoldfastError):
    """A part we need is down; the same request can be sent again."""

    code = "unavailable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in a playbook file: where, what, and how to mend it. Lines and columns from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    fix: str


class PlaybookInvalid(Invalid):
    """A playbook that cannot be published; `findings` lists every fault found."""

    code = "playbook_invalid"

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        super().__init__(
            f"{first.file}:{first.line}:{first.column}: {first.message} {first.fix}"
            + (f" (and {len(findings) - 1} more)" if len(findings) > 1 else "")
        )
        self.findings = findings


class HealthModelInvalid(PlaybookInvalid):
    """A health model that cannot be used; `findings` lists every fault found."""

    code = "health_model_invalid"
