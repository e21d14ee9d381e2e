"""Commands on steps as they are sent. `occurrence` counts from 1 and tells repeats apart."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.executions.schemas import EvidenceView
from api.shapes import Body, Code, Instant, Prose, View

Occurrence = Annotated[int, Field(ge=1, le=10_000)]
Given = Annotated[str, Field(max_length=10_000)] | int | float | bool | None


class OccurrenceBody(Body):
    occurrence: Occurrence = 1


class CompleteBody(OccurrenceBody):
    """`evidence` by field of the step's form; `occurred_at` where the work was done earlier.

    `seen` is what the person had before them, as numbers and codes; it goes to the audit entry.
    """

    choice: Code | None = None
    evidence: Annotated[dict[Code, Given], Field(max_length=50)] = Field(default_factory=dict)
    occurred_at: Instant | None = None
    seen: Annotated[dict[Code, int | float | bool | None], Field(max_length=50)] | None = None


class ReasonBody(OccurrenceBody):
    reason: Prose | None = None


class WaiveBody(OccurrenceBody):
    """Asks for a waiver, which another person decides."""

    reason: Prose
    expires_at: Instant | None = None


class Decides(StrEnum):
    waiver = "waiver"
    approval = "approval"


class ApproveBody(OccurrenceBody):
    """Decides about a waiver that was asked for, or completes an approval with its decision."""

    of: Decides = Decides.waiver
    approved: bool = True
    reason: Prose | None = None


class WaitBody(OccurrenceBody):
    """Waits on the customer: stops the net clock until the follow-up date."""

    reason_code: Code
    follow_up_at: Instant
    reason: Prose | None = None


class SnoozeBody(OccurrenceBody):
    """Hides it from the inbox until then; its due time stays."""

    until: Instant
    reason: Prose


class ReassignBody(OccurrenceBody):
    to: UUID
    reason: Prose | None = None


class AmendBody(OccurrenceBody):
    """A later value of one field of evidence; what was given first stays on record."""

    field: Code
    value: Annotated[str, Field(min_length=1, max_length=10_000)]
    reason: Prose


class CommentBody(OccurrenceBody):
    text: Prose


class RecordAnswer(View):
    """A record beside the step; it made no transition."""

    execution: UUID
    step: str
    occurrence: int
    record: EvidenceView

    @classmethod
    def of(cls, execution: UUID, step: str, occurrence: int, row: Any) -> RecordAnswer:
        return cls(
            execution=execution,
            step=step,
            occurrence=occurrence,
            record=EvidenceView.model_validate(row),
        )
