"""Playbook versions: published once, read by hash, kept decoded in the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, select

from db.bulk import table_of
from db.models.playbook_versions import PlaybookVersion
from db.models.playbooks import Playbook
from db.prepared import Prepared
from db.sessions import ReadSession
from domain.errors import NotFound, Refused
from domain.playbook.codec import definition_from_json
from domain.playbook.definition import Definition

V = table_of(PlaybookVersion).c
P = table_of(Playbook).c
_PUBLISHED = (V.id, V.playbook_key, V.number, V.content_hash, V.engine)
_ENABLED = Prepared(
    select(P.enabled, *_PUBLISHED)
    .select_from(table_of(Playbook))
    .outerjoin(
        table_of(PlaybookVersion),
        (P.org_id == V.org_id) & (P.key == V.playbook_key) & (P.enabled_version == V.number),
    )
    .where(P.org_id == bindparam("org", type_=Uuid()), P.key == bindparam("playbook", type_=Text()))
)
_KEPT = 500
_decoded: OrderedDict[str, Definition] = OrderedDict()
"""Decoded definitions by content hash: equal hashes are equal definitions, whoever published."""


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version of a playbook, without its definition."""

    id: UUID
    playbook_key: str
    number: int
    content_hash: str
    engine: int


async def definition(session: ReadSession, version: UUID, content_hash: str) -> Definition:
    """The definition of a version; read from the database once per process.

    Raises NotFound (`version_not_found`).
    """
    known = _decoded.get(content_hash)
    if known is not None:
        _decoded.move_to_end(content_hash)
        return known
    text = await session.scalar(
        select(cast(V.definition, Text)).where(
            V.org_id == session.scope.org, V.id == version, V.content_hash == content_hash
        )
    )
    if text is None:
        raise NotFound(
            "There is no such version of a playbook in this organization.",
            code="version_not_found",
            details={"version": str(version)},
        )
    made = definition_from_json(text)
    _decoded[content_hash] = made
    if len(_decoded) > _KEPT:
        _decoded.popitem(last=False)
    return made


async def enabled(session: ReadSession, playbook: str) -> PublishedVersion:
    """Which version a start takes.

    Raises NotFound (`playbook_not_found`), and Refused (`playbook_disabled`) where there is one
    that nothing is to start with.
    """
    rows = await session.ask(_ENABLED, {"org": session.scope.org, "playbook": playbook})
    is_enabled, *values = rows[0] if rows else (None,)
    return of_enabled(playbook, is_enabled, values)


def of_enabled(playbook: str, is_enabled: bool | None, values: Sequence[Any]) -> PublishedVersion:
    """The enabled version by its columns; `is_enabled` None: there is no such playbook.

    Raises as `enabled` does.
    """
    if is_enabled is None:
        raise NotFound(
            f"There is no playbook {playbook!r} here. Publish and enable it first.",
            code="playbook_not_found",
            details={"playbook": playbook},
        )
    if not is_enabled or values[0] is None:
        raise Refused(
            f"The playbook {playbook!r} is not enabled. Have it enabled, or take another one.",
            code="playbook_disabled",
            details={"playbook": playbook},
        )
    return PublishedVersion(*values)


async def published(session: ReadSession, playbook: str, number: int) -> PublishedVersion:
    """That version of a playbook, enabled or not. Raises NotFound (`version_not_found`)."""
    rows = await session.execute(
        select(*_PUBLISHED).where(
            V.org_id == session.scope.org, V.playbook_key == playbook, V.number == number
        )
    )
    row = rows.first()
    if row is None:
        raise NotFound(
            f"The playbook {playbook!r} has no version {number} in this organization.",
            code="version_not_found",
            details={"playbook": playbook, "version": number},
        )
    return PublishedVersion(*row)


async def definitions_by_hash(
    session: ReadSession, playbook: str, hashes: Collection[str]
) -> dict[str, Definition]:
    """The definitions of these content hashes; one that is not there is left out."""
    rows = await session.execute(
        select(V.id, V.content_hash).where(
            V.org_id == session.scope.org,
            V.playbook_key == playbook,
            V.content_hash.in_(hashes),
        )
    )
    return {one: await definition(session, version, one) for version, one in rows.all()}


async def number_of(session: ReadSession, version: UUID) -> int:
    """The number of a version by its id. Raises NoResultFound where there is none."""
    found = await session.execute(
        select(V.number).where(V.org_id == session.scope.org, V.id == version)
    )
    return int(found.scalar_one())
