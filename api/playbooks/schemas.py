"""Playbooks and their versions as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.shapes import Body, Code, Instant, View
from domain.playbook.definition import Role, Value
from domain.simulation_script import People

LARGEST_SOURCE = 512 * 1024
"""Bytes of a playbook's YAML; the largest shipped one has some 12 kB."""

Short = Annotated[str, Field(min_length=1, max_length=200)]


class PlaybookView(View):
    """`enabled_version` is what new executions start with; `running` counts open executions."""

    key: str
    name: str
    enabled: bool
    enabled_version: int | None
    newest_version: int | None
    running: int
    updated_at: datetime


class SwitchView(View):
    key: str
    enabled: bool
    enabled_version: int | None


class VersionSummary(View):
    playbook: str = Field(validation_alias="playbook_key")
    number: int
    content_hash: str
    engine: int
    published_by: UUID
    published_at: datetime


class VersionView(VersionSummary):
    """With the YAML as it was published and the compiled form."""

    source: str
    definition: dict[str, Any]


class PublishedView(VersionSummary):
    """`created` is false where this very content had been published before."""

    created: bool = True


class EnableBody(Body):
    """Without a version it is the newest."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class FindingView(View):
    file: str
    line: int
    column: int
    code: str
    message: str
    fix: str


class LintView(View):
    clean: bool
    findings: list[FindingView]


class SimulateBody(Body):
    """A subject made up for the simulation, and what people do. `script` is YAML."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    start: Instant | None = None
    fields: Annotated[dict[Short, Value], Field(max_length=200)] = Field(default_factory=dict)
    team: Annotated[dict[Role, Short], Field(max_length=20)] = Field(default_factory=dict)
    parameters: Annotated[dict[Code, Short], Field(max_length=20)] = Field(default_factory=dict)
    people: People = People.on_time
    script: Annotated[str, Field(max_length=100_000)] | None = None


class DifferenceView(View):
    """One difference; without a field it is the whole part."""

    kind: str
    part: str
    key: str
    field: str | None
    before: Any
    after: Any


class DiffView(View):
    playbook: str
    before: int
    after: int | None
    same: bool
    differences: list[DifferenceView]
