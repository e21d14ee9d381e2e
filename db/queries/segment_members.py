"""Which accounts a condition holds for, asked of all of them by one statement.

An account without a statistics row has no data in any field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from db.bulk import table_of
from db.conditions import truth_of
from db.models.account_statistics import AccountStatistics
from db.models.accounts import Account
from db.sessions import ReadSession
from domain.errors import Invalid
from domain.playbook.definition import Condition, Subject
from domain.segments import Segment

A, S = table_of(Account), table_of(AccountStatistics)
FIELDS: ColumnElement[Any] = func.coalesce(S.c.fields, literal_column("'{}'::jsonb", JSONB()))
"""An account's fields beside `A`, an empty object where nothing is known."""


async def accounts_where(
    session: ReadSession, org: UUID, condition: Condition, now: datetime
) -> frozenset[UUID]:
    """The accounts of the organization for which the condition is true; no data is not true.

    `now` is aware UTC. Raises Invalid `condition_on_step`.
    """
    found = await session.scalars(
        _of_organization(select(A.c.id), org).where(truth_of(condition, FIELDS)), {"now": now}
    )
    return frozenset(found)


async def members_of(
    session: ReadSession, org: UUID, segments: Sequence[Segment], now: datetime
) -> Mapping[str, frozenset[UUID]]:
    """The accounts in each segment, by the segment's key; one pass over the accounts.

    `now` is aware UTC. Raises Invalid `segment_subject` for a segment of contacts: no statistics
    are kept of those; and `condition_on_step`.
    """
    if not segments:
        return {}
    for segment in segments:
        if segment.subject is not Subject.account:
            raise Invalid(
                f'The segment "{segment.key}" is one of contacts. Ask for segments of accounts.',
                code="segment_subject",
            )
    holds = [truth_of(segment.condition, FIELDS) for segment in segments]
    rows = await session.execute(
        _of_organization(select(A.c.id, *(each.is_(True) for each in holds)), org).where(
            or_(*holds)
        ),
        {"now": now},
    )
    found: dict[str, set[UUID]] = {segment.key: set() for segment in segments}
    for row in rows:
        flags: Sequence[bool] = row[1:]
        for segment, is_in in zip(segments, flags, strict=True):
            if is_in:
                found[segment.key].add(row[0])
    return {key: frozenset(accounts) for key, accounts in found.items()}


def _of_organization(selected: Select[Any], org: UUID) -> Select[Any]:
    beside = and_(S.c.org_id == A.c.org_id, S.c.account_id == A.c.id)
    return selected.select_from(A.outerjoin(S, beside)).where(A.c.org_id == org)
