"""Playbooks of an organization and their versions, as people list, publish and enable them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models.executions import Execution
from db.models.ladders import LadderOverride
from db.models.playbook_versions import PlaybookVersion
from db.models.playbooks import Playbook
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound
from domain.playbook.codec import ladder_from_json
from domain.playbook.definition import Ladder


@dataclass(frozen=True, slots=True)
class Listed:
    """A playbook with the number of its newest version and of its open executions."""

    playbook: Playbook
    newest: int | None
    running: int


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A compiled definition that is to be published; `engine` is the revision it begins with."""

    id: UUID
    key: str
    name: str
    source: str
    definition: dict[str, Any]
    content_hash: str
    engine: int
    enabled_at_first: bool


def no_playbook(key: str) -> NotFound:
    return NotFound(
        f'There is no playbook "{key}" in this organization. Publish it first.',
        code="playbook_not_found",
        details={"playbook": key},
    )


async def list_playbooks(
    session: ReadSession, org: UUID, after: str | None, limit: int
) -> list[Listed]:
    """Playbooks by key, at most `limit`, following the key `after`."""
    newest = (
        select(func.max(PlaybookVersion.number))
        .where(PlaybookVersion.org_id == org, PlaybookVersion.playbook_key == Playbook.key)
        .scalar_subquery()
    )
    running = (
        select(func.count())
        .where(
            Execution.org_id == org,
            Execution.playbook_key == Playbook.key,
            Execution.status != "ended",
        )
        .scalar_subquery()
    )
    query = select(Playbook, newest, running).where(Playbook.org_id == org)
    if after is not None:
        query = query.where(Playbook.key > after)
    rows = await session.execute(query.order_by(Playbook.key).limit(limit))
    return [Listed(playbook, number, count) for playbook, number, count in rows]


async def get_playbook(session: ReadSession, org: UUID, key: str) -> Playbook:
    """Raises NotFound `playbook_not_found`."""
    found = await session.scalar(
        select(Playbook)
        .where(Playbook.org_id == org, Playbook.key == key)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise no_playbook(key)
    return found


async def list_versions(
    session: ReadSession, org: UUID, key: str, below: int | None, limit: int
) -> Sequence[PlaybookVersion]:
    """Versions, newest first, at most `limit`, below the number `below`."""
    query = select(PlaybookVersion).where(
        PlaybookVersion.org_id == org, PlaybookVersion.playbook_key == key
    )
    if below is not None:
        query = query.where(PlaybookVersion.number < below)
    found = await session.scalars(query.order_by(PlaybookVersion.number.desc()).limit(limit))
    return found.all()


async def get_version(
    session: ReadSession, org: UUID, key: str, number: int | None
) -> PlaybookVersion:
    """That version, or without a number the newest. Raises NotFound `version_not_found`."""
    query = select(PlaybookVersion).where(
        PlaybookVersion.org_id == org, PlaybookVersion.playbook_key == key
    )
    if number is not None:
        query = query.where(PlaybookVersion.number == number)
    found = await session.scalar(query.order_by(PlaybookVersion.number.desc()).limit(1))
    if found is None:
        raise NotFound(
            f'The playbook "{key}" has no such version in this organization.',
            code="version_not_found",
            details={"playbook": key, "version": number},
        )
    return found


async def publish(
    session: WriteSession, org: UUID, new: NewVersion, member: UUID
) -> tuple[PlaybookVersion, bool]:
    """The version of this content, and whether it is new; the same content is published once.

    Two at once wait for each other on the playbook's row. The first version of a playbook is
    enabled where its definition says so; later ones wait to be enabled.
    """
    await session.run(
        insert(Playbook)
        .values(org_id=org, key=new.key, name=new.name, enabled=False)
        .on_conflict_do_nothing()
    )
    playbook = await session.scalar(
        select(Playbook)
        .where(Playbook.org_id == org, Playbook.key == new.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert playbook is not None
    known = await session.scalar(
        select(PlaybookVersion).where(
            PlaybookVersion.org_id == org,
            PlaybookVersion.playbook_key == new.key,
            PlaybookVersion.content_hash == new.content_hash,
        )
    )
    if known is not None:
        return known, False
    last = await session.scalar(
        select(func.max(PlaybookVersion.number)).where(
            PlaybookVersion.org_id == org, PlaybookVersion.playbook_key == new.key
        )
    )
    number = (last or 0) + 1
    session.add(
        PlaybookVersion(
            org_id=org,
            id=new.id,
            playbook_key=new.key,
            number=number,
            source=new.source,
            definition=new.definition,
            content_hash=new.content_hash,
            engine=new.engine,
            published_by=member,
        )
    )
    await session.flush()
    enabling = {"enabled": True, "enabled_version": number}
    await session.run(
        update(Playbook)
        .where(Playbook.org_id == org, Playbook.key == new.key)
        .values(
            name=new.name,
            updated_at=func.now(),
            **(enabling if number == 1 and new.enabled_at_first else {}),
        )
        .execution_options(synchronize_session=False)
    )
    return await get_version(session, org, new.key, number), True


async def enable(session: WriteSession, org: UUID, key: str, number: int | None) -> Playbook:
    """Lets new executions start with that version, by default the newest.

    Raises NotFound `playbook_not_found`, `version_not_found`.
    """
    await get_playbook(session, org, key)
    version = await get_version(session, org, key, number)
    return await _switch(session, org, key, True, version.number)


async def disable(session: WriteSession, org: UUID, key: str) -> Playbook:
    """Lets nothing start any more; open executions go on. Raises NotFound `playbook_not_found`."""
    playbook = await get_playbook(session, org, key)
    return await _switch(session, org, key, False, playbook.enabled_version)


async def _switch(
    session: WriteSession, org: UUID, key: str, enabled: bool, number: int | None
) -> Playbook:
    await session.run(
        update(Playbook)
        .where(Playbook.org_id == org, Playbook.key == key)
        .values(enabled=enabled, enabled_version=number, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_playbook(session, org, key)


async def all_keys(session: ReadSession) -> list[str]:
    """The keys of the organization's playbooks."""
    found = await session.scalars(
        select(Playbook.key).where(Playbook.org_id == session.scope.org).order_by(Playbook.key)
    )
    return list(found)


async def ladders_of(session: ReadSession) -> dict[str, Ladder]:
    """The ladders that the organization has put in the place of shipped ones, for all playbooks."""
    rows = await session.execute(
        select(LadderOverride.key, LadderOverride.ladder).where(
            LadderOverride.org_id == session.scope.org, LadderOverride.playbook_key == ""
        )
    )
    return {key: ladder_from_json(ladder) for key, ladder in rows}
