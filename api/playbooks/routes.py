"""The catalogue: list, versions, publish, lint, simulate, diff, enable, disable."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Body, Query, Response

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.playbooks.schemas import (
    LARGEST_SOURCE,
    DifferenceView,
    DiffView,
    EnableBody,
    FindingView,
    LintView,
    PlaybookView,
    PublishedView,
    SimulateBody,
    SwitchView,
    VersionSummary,
    VersionView,
)
from api.playbooks.sources import compile_source
from api.routing import router as router_of
from db.calendars import clock_and_calendar
from db.queries import playbook_catalogue as catalogue
from db.queries.playbook_catalogue import Listed, NewVersion
from domain.errors import PlaybookInvalid
from domain.playbook.codec import content_hash, definition_from_json, definition_to_json
from domain.playbook.diff import difference
from domain.playbook.state import ENGINE_REVISION
from domain.simulate import simulate
from domain.simulation_acts import SimulatedSubject
from domain.simulation_report import simulation_to_json
from domain.simulation_script import Script, parse_script

router = router_of("playbooks", "/playbooks", largest_body=LARGEST_SOURCE)

Yaml = Annotated[
    bytes, Body(media_type="application/yaml", description="The playbook's YAML, in UTF-8")
]
Number = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get("")
@needs(Permission.read)
async def list_playbooks(
    work: Read, cursor: Cursor = None, limit: Limit = 50
) -> Page[PlaybookView]:
    """Playbooks by key."""
    after = decode(cursor, str)
    rows = await catalogue.list_playbooks(
        work.session, work.org, after[0] if after else None, limit + 1
    )
    return page(rows, limit, _listed, lambda row: (row.playbook.key,))


@router.post(
    "", status_code=201, responses={200: {"model": PublishedView, "description": "Known already"}}
)
@needs(Permission.write_playbooks)
async def publish(work: Write, response: Response, source: Yaml = b"") -> PublishedView:
    """Makes an immutable version. The same content again answers with the version it is, as 200."""
    compiled = await compile_source(work.session, source)
    definition = compiled.definition
    version, created = await catalogue.publish(
        work.session,
        work.org,
        NewVersion(
            id=work.id_of(),
            key=definition.key,
            name=definition.name,
            source=compiled.text,
            definition=definition_to_json(definition),
            content_hash=content_hash(definition),
            engine=ENGINE_REVISION,
            enabled_at_first=definition.enabled_at_first,
        ),
        work.caller.member,
    )
    if created:
        await work.record(
            "playbook.published",
            "playbook",
            definition.key,
            {"version": version.number, "content_hash": version.content_hash},
        )
    else:
        response.status_code = 200
    view = PublishedView.model_validate(version)
    view.created = created
    return view


@router.post("/lint")
@needs(Permission.read, writes=False)
async def lint(work: Read, source: Yaml = b"") -> LintView:
    """Checks as publishing would, and changes nothing."""
    try:
        await compile_source(work.session, source)
    except PlaybookInvalid as error:
        findings = [FindingView.model_validate(one) for one in error.findings]
        return LintView(clean=False, findings=findings)
    return LintView(clean=True, findings=[])


@router.get("/{key}/versions")
@needs(Permission.read)
async def list_versions(
    work: Read, key: str, cursor: Cursor = None, limit: Limit = 50
) -> Page[VersionSummary]:
    """Versions, the newest first."""
    await catalogue.get_playbook(work.session, work.org, key)
    after = decode(cursor, int)
    rows = await catalogue.list_versions(
        work.session, work.org, key, after[0] if after else None, limit + 1
    )
    return page(rows, limit, VersionSummary.model_validate, lambda row: (row.number,))


@router.get("/{key}/versions/{number}")
@needs(Permission.read)
async def get_version(work: Read, key: str, number: int) -> VersionView:
    """One version with its YAML and its compiled form."""
    return VersionView.model_validate(
        await catalogue.get_version(work.session, work.org, key, number)
    )


@router.get("/{key}/diff")
@needs(Permission.read)
async def diff_versions(
    work: Read, key: str, before: Number = None, after: Number = None
) -> DiffView:
    """What differs between two versions; by default the newest and the one before it."""
    await catalogue.get_playbook(work.session, work.org, key)
    new = await catalogue.get_version(work.session, work.org, key, after)
    old = await catalogue.get_version(work.session, work.org, key, before or max(new.number - 1, 1))
    found = difference(definition_from_json(old.definition), definition_from_json(new.definition))
    return DiffView(
        playbook=key,
        before=old.number,
        after=new.number,
        same=not found,
        differences=[DifferenceView.model_validate(one) for one in found],
    )


@router.post("/{key}/diff")
@needs(Permission.read, writes=False)
async def diff_source(work: Read, key: str, source: Yaml = b"", before: Number = None) -> DiffView:
    """What publishing this YAML would change against a version, by default the newest."""
    old = await catalogue.get_version(work.session, work.org, key, before)
    compiled = await compile_source(work.session, source)
    found = difference(definition_from_json(old.definition), compiled.definition)
    return DiffView(
        playbook=key,
        before=old.number,
        after=None,
        same=not found,
        differences=[DifferenceView.model_validate(one) for one in found],
    )


@router.post("/{key}/simulate")
@needs(Permission.read, writes=False)
async def simulate_version(work: Read, key: str, body: SimulateBody) -> dict[str, Any]:
    """The whole execution under a virtual clock: who is asked for what, when, to the end."""
    await catalogue.get_playbook(work.session, work.org, key)
    version = await catalogue.get_version(work.session, work.org, key, body.version)
    definition = definition_from_json(version.definition)
    now, calendar = await clock_and_calendar(work.session)
    script = parse_script(body.script, "script") if body.script else Script()
    subject = SimulatedSubject(body.fields, body.team, calendar, body.parameters)
    simulation = await to_thread.run_sync(
        simulate,
        definition,
        subject,
        body.start or work.clock(now),
        replace(script, people=body.people),
    )
    return simulation_to_json(definition, simulation)


@router.post("/{key}/enable")
@needs(Permission.write_playbooks)
async def enable(work: Write, key: str, body: EnableBody) -> SwitchView:
    """Lets new executions start with a version; open ones stay with theirs."""
    playbook = await catalogue.enable(work.session, work.org, key, body.version)
    await work.record("playbook.enabled", "playbook", key, {"version": playbook.enabled_version})
    return SwitchView.model_validate(playbook)


@router.post("/{key}/disable")
@needs(Permission.write_playbooks)
async def disable(work: Write, key: str) -> SwitchView:
    """Lets nothing start any more; open executions go on."""
    playbook = await catalogue.disable(work.session, work.org, key)
    await work.record("playbook.disabled", "playbook", key)
    return SwitchView.model_validate(playbook)


def _listed(row: Listed) -> PlaybookView:
    playbook = row.playbook
    return PlaybookView(
        key=playbook.key,
        name=playbook.name,
        enabled=playbook.enabled,
        enabled_version=playbook.enabled_version,
        newest_version=row.newest,
        running=row.running,
        updated_at=playbook.updated_at,
    )
