"""What starts ask before the machine runs, in one message for however many accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, Uuid, bindparam, text

from db.prepared import Prepared
from db.queries.statistics import Statistics
from db.queries.surroundings import ORGANIZATION, TEAM, Organization
from db.queries.versions import PublishedVersion, of_enabled
from db.sessions import WriteSession

# Rows of statistics are held against intake until the transaction ends, so that no fact is
# missed (law 15); they are made where they are missing, since without one there is nothing to
# hold. Always in the order of ids, so that two that start many wait and never lock each other.
_NEEDS = Prepared(
    text(
        f"""
        with known as materialized (
            select a.id from accounts a
            where a.org_id = :org and a.id = any(:accounts) order by a.id
        ), made as (
            insert into account_statistics (org_id, account_id, version, fields)
            select :org, known.id, 0, '{{}}' from known
            on conflict do nothing
            returning account_id, version, fields
        ), held as materialized (
            select s.account_id, s.version, s.fields from account_statistics s
            where s.org_id = :org and s.account_id = any(:accounts) order by s.account_id
            for share
        )
        select
            (select jsonb_agg(jsonb_build_array(
                known.id, coalesce(made.version, held.version), coalesce(made.fields, held.fields),
                {TEAM.format(account="known.id")}))
             from known
             left join made on made.account_id = known.id
             left join held on held.account_id = known.id),
            p.enabled, v.id, v.playbook_key, v.number, v.content_hash, v.engine,
            clock_timestamp(),
            (select jsonb_build_array(
                c.key, c.timezone, c.country, c.subdivision, c.hours, c.holidays, c.workdays)
             from calendars c where c.org_id = :org and c.is_default),
            {ORGANIZATION}
        from (select 1) one
        left join playbooks p on p.org_id = :org and p.key = :playbook
        left join playbook_versions v
            on v.org_id = p.org_id and v.playbook_key = p.key and v.number = p.enabled_version
        """
    ).bindparams(
        bindparam("org", type_=Uuid()),
        bindparam("accounts", type_=ARRAY(Uuid())),
        bindparam("playbook", type_=Text()),
        bindparam("since", type_=DateTime(timezone=True)),
    )
)


@dataclass(frozen=True, slots=True)
class Needs:
    """`calendar` holds the columns of the default one, None where there is none. Accounts that
    the organization does not have are missing in `known` and `teams`."""

    version: PublishedVersion
    database_now: datetime
    calendar: Sequence[Any] | None
    organization: Organization
    known: Mapping[UUID, Statistics]
    teams: Mapping[UUID, Mapping[str, str] | None]


async def read_needs(
    session: WriteSession, playbook: str, accounts: Sequence[UUID], since: datetime
) -> Needs:
    """The fields of the accounts are held until the transaction ends.

    Raises NotFound (`playbook_not_found`), Refused (`playbook_disabled`).
    """
    given = {
        "org": session.scope.org,
        "accounts": list(accounts),
        "playbook": playbook,
        "since": since,
    }
    [row] = await session.ask(_NEEDS, given)
    if any(version is None for _, version, _, _ in row[0] or ()):
        [row] = await session.ask(_NEEDS, given)  # another transaction made the row meanwhile
    found, enabled, *version, now, calendar, members, absences, endpoints = row
    return Needs(
        version=of_enabled(playbook, enabled, version),
        database_now=now,
        calendar=calendar,
        organization=Organization.read(members, absences, endpoints),
        known={UUID(one): Statistics(number, fields) for one, number, fields, _ in found or ()},
        teams={UUID(one): team for one, _, _, team in found or ()},
    )
