"""Facts: what stands under a key, new ones in one statement, and what an account's fields need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, bindparam, column, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from db.bulk import encoded, insertion, recordset, table_of
from db.models.accounts import Account
from db.models.contacts import Contact
from db.models.facts import Fact
from db.models.touches import Touch
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession
from domain.facts import fact as known

COLUMNS = (
    "id",
    "account_id",
    "contact_id",
    "kind",
    "source",
    "external_id",
    "happened_at",
    "known_at",
    "content",
    "digest",
    "corrects",
)

F = table_of(Fact).c
_correction = table_of(Fact).alias("correction")
_ORG = bindparam("org", type_=Uuid())
_STANDING = (F.id, F.source, F.external_id, F.digest, F.account_id, F.kind, F.corrects)
_CORRECTED = and_(_correction.c.org_id == F.org_id, _correction.c.corrects == F.id)
_FACTS = table_of(Fact).outerjoin(_correction, _CORRECTED)


def _at_keys() -> Prepared:
    keys = recordset(Fact, ("source", "external_id"), "keys")
    same = and_(F.source == keys.c.source, F.external_id == keys.c.external_id)
    found = select(*_STANDING, _correction.c.id).select_from(keys.join(_FACTS, same))
    return Prepared(found.where(F.org_id == _ORG).distinct())


def _at_ids() -> Prepared:
    ids = recordset(Fact, ("id",), "ids")
    found = select(*_STANDING, _correction.c.id).select_from(ids.join(_FACTS, F.id == ids.c.id))
    return Prepared(found.where(F.org_id == _ORG).distinct())


def _of_families() -> Prepared:
    wanted = recordset(Fact, ("account_id", "kind"), "wanted")
    these = and_(F.account_id == wanted.c.account_id, F.kind == wanted.c.kind)
    found = select(
        F.account_id, F.id, F.kind, F.happened_at, F.known_at, F.content, F.corrects,
        _correction.c.id, _correction.c.known_at,
    ).select_from(wanted.join(_FACTS, these))  # fmt: skip
    return Prepared(
        found.where(F.org_id == _ORG, F.happened_at >= bindparam("since", type_=F.happened_at.type))
    )


_AT_KEYS = _at_keys()
_AT_IDS = _at_ids()
_OF_FAMILIES = _of_families()
_INSERT = Prepared(insertion(Fact, COLUMNS).on_conflict_do_nothing().returning(F.id))


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact that was checked. `digest` is of what was sent, without `corrects`."""

    id: UUID
    account_id: UUID
    contact_id: UUID | None
    kind: str
    source: str
    external_id: str
    happened_at: datetime
    known_at: datetime
    content: Mapping[str, Any]
    digest: bytes
    corrects: UUID | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored fact as the next one with its key, or its correction, meets it."""

    id: UUID
    source: str
    external_id: str
    digest: bytes
    account_id: UUID
    kind: str
    corrects: UUID | None
    corrected_by: UUID | None


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact of an account, and the id of its correction with when that became known."""

    fact: known.Fact
    corrected_by: UUID | None = None
    corrected_at: datetime | None = None

    def stands(self, as_of: datetime) -> bool:
        """Whether it was uncorrected as far as was known by then."""
        return self.corrected_at is None or self.corrected_at > as_of


async def accounts_named(session: ReadSession, names: Collection[str]) -> dict[str, UUID]:
    """Accounts by what they were called: our id, else the organization's external id."""
    ids = {name: own for name in names if (own := _id_of(name)) is not None}
    rows = await session.execute(
        select(Account.id, Account.external_id).where(
            Account.org_id == session.scope.org,
            or_(Account.id.in_(ids.values()), Account.external_id.in_(names)),
        )
    )
    found = {row.id: row.external_id for row in rows}
    named = {external: identity for identity, external in found.items() if external in names}
    return named | {name: own for name, own in ids.items() if own in found}


async def contacts_named(
    session: ReadSession, names: Collection[str]
) -> dict[str, tuple[UUID, UUID]]:
    """Contacts and their accounts, by our id or the organization's external id."""
    ids = {name: own for name in names if (own := _id_of(name)) is not None}
    rows = await session.execute(
        select(Contact.id, Contact.external_id, Contact.account_id).where(
            Contact.org_id == session.scope.org,
            or_(Contact.id.in_(ids.values()), Contact.external_id.in_(names)),
        )
    )
    found = {row.id: (row.external_id, row.account_id) for row in rows}
    named = {external: (one, account) for one, (external, account) in found.items() if external}
    return {name: named[name] for name in names if name in named} | {
        name: (own, found[own][1]) for name, own in ids.items() if own in found
    }


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


async def standing(
    session: ReadSession, keys: Iterable[tuple[str, str]], ids: Collection[UUID]
) -> list[Standing]:
    """The facts with these sources and external ids, and those with these ids."""
    org = session.scope.org
    wanted = encoded([{"source": source, "external_id": key} for source, key in keys])
    rows = await session.ask(_AT_KEYS, {"org": org, "keys": wanted})
    if ids:
        rows += await session.ask(_AT_IDS, {"org": org, "ids": encoded([{"id": i} for i in ids])})
    return list({row[0]: Standing(*row) for row in rows}.values())


async def insert_facts(session: WriteSession, facts: Sequence[NewFact]) -> set[UUID]:
    """The ids that were inserted; one whose key or correction stands already is left out.

    In the order of their keys, so that two batches wait for each other and never in a ring.
    """
    ordered = sorted(facts, key=lambda fact: (fact.source, fact.external_id))
    rows = [{name: getattr(fact, name) for name in COLUMNS} for fact in ordered]
    for row in rows:
        row["digest"] = f"\\x{row['digest'].hex()}"
    values = {"org": session.scope.org, "rows": encoded(rows)}
    return {identity for (identity,) in await session.ask(_INSERT, values)}


async def facts_of(
    session: ReadSession, wanted: Iterable[tuple[UUID, str]], since: datetime
) -> dict[UUID, list[KnownFact]]:
    """By account, its facts of the kinds asked for with it that happened at `since` or later."""
    asked = encoded([{"account_id": account, "kind": kind} for account, kind in wanted])
    values = {"org": session.scope.org, "wanted": asked, "since": since}
    found: dict[UUID, list[KnownFact]] = {}
    for account, *columns, corrected_by, corrected_at in await session.ask(_OF_FAMILIES, values):
        fact = KnownFact(known.Fact(*columns), corrected_by, corrected_at)
        found.setdefault(account, []).append(fact)
    return found


async def touches_of(
    session: ReadSession, accounts: Collection[UUID], since: datetime
) -> dict[UUID, list[KnownFact]]:
    """What members logged themselves, as facts: a mail that was answered is a reply."""
    rows = await session.execute(
        select(
            Touch.account_id,
            Touch.id,
            Touch.kind,
            Touch.two_way,
            Touch.occurred_at,
            Touch.recorded_at,
        ).where(
            Touch.org_id == session.scope.org,
            Touch.account_id.in_(accounts),
            Touch.occurred_at >= since,
        )
    )
    found: dict[UUID, list[KnownFact]] = {}
    for account, identity, kind, two_way, at, recorded in rows:
        named = "touch.reply" if kind == "mail" and two_way else f"touch.{kind}"
        fact = known.Fact(identity, named, at, recorded, {"two_way": two_way})
        found.setdefault(account, []).append(KnownFact(fact))
    return found


async def list_facts(
    session: ReadSession,
    account: UUID,
    kind: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Fact, UUID | None]]:
    """Facts of an account and the ids of their corrections, the last happened first."""
    later = table_of(Fact).alias("later")
    conditions: list[ColumnElement[bool]] = [
        Fact.org_id == session.scope.org,
        Fact.account_id == account,
    ]
    if kind is not None:
        conditions.append(Fact.kind == kind)
    if after is not None:
        at, identity = after
        earlier = and_(Fact.happened_at == at, Fact.id < identity)
        conditions.append(or_(Fact.happened_at < at, earlier))
    rows = await session.execute(
        select(Fact, later.c.id)
        .outerjoin(later, and_(later.c.org_id == Fact.org_id, later.c.corrects == Fact.id))
        .where(*conditions)
        .order_by(Fact.happened_at.desc(), Fact.id.desc())
        .limit(limit)
    )
    return [(fact, corrected) for fact, corrected in rows]


async def hold_accounts(session: WriteSession, accounts: Collection[UUID]) -> None:
    """Locks the accounts' own rows in the order of their ids; before their statistics."""
    await session.execute(
        select(Account.id)
        .where(Account.org_id == session.scope.org, Account.id.in_(accounts))
        .order_by(Account.id)
        .with_for_update(key_share=True)
    )


async def set_stages(session: WriteSession, stages: Mapping[UUID, str]) -> None:
    """Writes the stage into accounts' own rows where it is another, each write a version."""
    rows = (
        func.jsonb_to_recordset(bindparam("stages", type_=JSONB))
        .table_valued(column("id", Uuid()), column("stage", Account.stage.type))
        .render_derived(name="stages", with_types=True)
    )
    A = table_of(Account)
    await session.ask(
        Prepared(
            update(A)
            .values(stage=rows.c.stage, version=A.c.version + 1, updated_at=func.now())
            .where(A.c.org_id == _ORG, A.c.id == rows.c.id, A.c.stage != rows.c.stage)
        ),
        {
            "org": session.scope.org,
            "stages": encoded([{"id": one, "stage": stage} for one, stage in stages.items()]),
        },
    )
