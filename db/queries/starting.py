"""What a start asks before the machine runs, in one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, text

from db.prepared import Prepared
from db.queries.accounts import no_account
from db.queries.statistics import Statistics
from db.queries.versions import PublishedVersion, of_enabled
from db.sessions import WriteSession

# The row of statistics is held against intake until the transaction ends, so that no fact is
# missed (law 15); it is made where it is missing, since without one there is nothing to hold.
_NEEDS = Prepared(
    text(
        """
        with known as materialized (
            select a.id from accounts a where a.org_id = :org and a.id = :account
        ), made as (
            insert into account_statistics (org_id, account_id, version, fields)
            select :org, known.id, 0, '{}' from known
            on conflict do nothing
            returning version, fields
        ), held as materialized (
            select s.version, s.fields from account_statistics s
            where s.org_id = :org and s.account_id = :account
            for share
        )
        select
            exists (select from known),
            coalesce((select version from made), (select version from held)),
            coalesce((select fields from made), (select fields from held)),
            p.enabled, v.id, v.playbook_key, v.number, v.content_hash, v.engine,
            clock_timestamp(),
            (select jsonb_build_array(
                c.key, c.timezone, c.country, c.subdivision, c.hours, c.holidays, c.workdays)
             from calendars c where c.org_id = :org and c.is_default)
        from (select 1) one
        left join playbooks p on p.org_id = :org and p.key = :playbook
        left join playbook_versions v
            on v.org_id = p.org_id and v.playbook_key = p.key and v.number = p.enabled_version
        """
    ).bindparams(
        bindparam("org", type_=Uuid()),
        bindparam("account", type_=Uuid()),
        bindparam("playbook", type_=Text()),
    )
)


@dataclass(frozen=True, slots=True)
class Needs:
    """`calendar` holds the columns of the default one, None where there is none."""

    version: PublishedVersion
    known: Statistics
    database_now: datetime
    calendar: tuple[Any, ...] | None


async def read_needs(session: WriteSession, playbook: str, account: UUID | None) -> Needs:
    """The account's fields are held until the transaction ends.

    Raises NotFound (`account_not_found`, `playbook_not_found`), Refused (`playbook_disabled`).
    """
    given = {"org": session.scope.org, "account": account, "playbook": playbook}
    [row] = await session.ask(_NEEDS, given)
    if row[0] and row[1] is None:  # another transaction made the row meanwhile
        [row] = await session.ask(_NEEDS, given)
    exists, number, fields, enabled, *version, now, calendar = row
    if account is not None and not exists:
        raise no_account(account)
    return Needs(
        version=of_enabled(playbook, enabled, version),
        known=Statistics(number or 0, fields or {}),
        database_now=now,
        calendar=tuple(calendar) if calendar else None,
    )
