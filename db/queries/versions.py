"""Playbook versions: published once, read by hash, kept decoded in the process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, select

from db.bulk import table_of
from db.models.playbook_versions import PlaybookVersion
from db.models.playbooks import Playbook
from db.sessions import ReadSession
from domain.errors import NotFound
from domain.playbook.codec import definition_from_json
from domain.playbook.definition import Definition

V = table_of(PlaybookVersion).c
P = table_of(Playbook).c
_ENABLED = (
    select(V.id, V.playbook_key, V.number, V.content_hash, V.engine)
    .join(
        table_of(Playbook),
        (P.org_id == V.org_id) & (P.key == V.playbook_key) & (P.enabled_version == V.number),
    )
    .where(
        P.org_id == bindparam("org", type_=Uuid()),
        P.key == bindparam("playbook", type_=Text()),
        P.enabled,
    )
)

_KEPT = 500
_decoded: OrderedDict[str, Definition] = OrderedDict()
"""Decoded definitions by content hash: equal hashes are equal definitions, whoever published."""


@dataclass(frozen=True, slots=True)
class EnabledVersion:
    """The version that new executions of a playbook start with."""

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


async def enabled(session: ReadSession, playbook: str) -> EnabledVersion:
    """Which version a start takes.

    Raises NotFound (`playbook_not_found`) where there is none, or it is not enabled.
    """
    rows = await session.execute(_ENABLED, {"org": session.scope.org, "playbook": playbook})
    row = rows.first()
    if row is None:
        raise NotFound(
            f"No playbook {playbook!r} is enabled here. Publish and enable it first.",
            code="playbook_not_found",
            details={"playbook": playbook},
        )
    return EnabledVersion(*row)
