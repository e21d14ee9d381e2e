"""Facts as they are sent and answered. Each row of a batch is read by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError, WithJsonSchema

from api.shapes import Body, Code, Instant, Line, View
from api.touches.schemas import Reached
from db.facts_judged import FactStatus
from db.models.facts import Fact
from domain.errors import Invalid
from domain.playbook.definition import Value

LARGEST_BATCH = 500

Named = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\x00]+$"),
]
"""Our id of a thing, or the organization's external id of it."""


class FactBody(Body):
    """One observation. `source` and `external_id` together name it for good.

    `happened_at` is when it happened, `known_at` when it became known where that was before now;
    `corrects` is the id of a fact whose place it takes. `content` depends on the kind.
    """

    account: Named
    contact: Named | None = None
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    source: Code
    external_id: Line
    happened_at: Instant
    known_at: Instant | None = None
    content: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    corrects: UUID | None = None


class FactsBody(Body):
    """1 to 500 facts; a row that cannot be read is refused by itself."""

    facts: Annotated[
        list[Any],
        Field(min_length=1, max_length=LARGEST_BATCH),
        WithJsonSchema(
            {
                "type": "array",
                "items": FactBody.model_json_schema(),
                "minItems": 1,
                "maxItems": LARGEST_BATCH,
            }
        ),
    ]


class ResultView(View):
    """What became of one row. `id`: of the fact, or of the one that stands in its way."""

    index: int
    status: FactStatus
    code: str | None = None
    detail: str | None = None
    id: UUID | None = None


class FactsView(View):
    """How many rows were accepted, known already and refused; each by its index. `reached`: the
    executions that made a transition of it."""

    accepted: int
    known: int
    refused: int
    results: list[ResultView]
    reached: list[Reached] = Field(default_factory=list)


class FactView(View):
    """A fact as it stands; `corrected_by` is the id of the one that took its place."""

    id: UUID
    account: UUID
    contact: UUID | None
    kind: str
    source: str
    external_id: str
    happened_at: datetime
    recorded_at: datetime
    known_at: datetime
    content: dict[str, Value]
    corrects: UUID | None
    corrected_by: UUID | None


def read(row: object) -> FactBody:
    """One row of a batch. Raises Invalid `fact_malformed` with the fields at fault."""
    try:
        return FactBody.model_validate(row)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        fields = [".".join(str(part) for part in fault["loc"])[:100] for fault in faults[:5]]
        told = "; ".join(
            f"{name or 'row'}: {fault['msg']}" for name, fault in zip(fields, faults, strict=False)
        )
        raise Invalid(
            f"Correct these fields and send again: {told}.", code="fact_malformed"
        ) from error


def view(found: tuple[Fact, UUID | None]) -> FactView:
    """The answer for one fact and the id of its correction."""
    fact, corrected_by = found
    return FactView(
        id=fact.id,
        account=fact.account_id,
        contact=fact.contact_id,
        kind=fact.kind,
        source=fact.source,
        external_id=fact.external_id,
        happened_at=fact.happened_at,
        recorded_at=fact.recorded_at,
        known_at=fact.known_at,
        content=fact.content,
        corrects=fact.corrects,
        corrected_by=corrected_by,
    )
