"""A batch of facts in one transaction: each row judged by itself, accounts recomputed once.

The order of locks: accounts whose stage a fact names, then statistics, both by id, then keys of
facts, then executions (law 15). The caller commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from db import intake
from db.facts_judged import FactStatus, Result, known_by_key
from db.queries import executions, facts, statistics
from db.queries.clock import database_now
from db.queries.facts import KnownFact, NewFact
from db.queries.statistics import Statistics
from db.requests import Applied, Clock, database_clock
from db.sessions import WriteSession
from domain.errors import Invalid, NotFound
from domain.facts.checking import Observed, check
from domain.facts.kinds import family_of
from domain.facts.statistics import fields_of
from domain.playbook.definition import Value
from domain.playbook.events import SYSTEM, Actor

REACH = timedelta(days=400)
"""How far back the facts are read that an account's fields are made of; our choice, above a year,
so that a yearly survey or invoice still counts."""

STAGE = "account.stage"
"""The one field that a person also writes: facts lay it over only where they say something new."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One fact as it was sent: nothing of it is checked. `account` and `contact` are our ids or
    the organization's external ids; `corrects` is our id of a fact."""

    index: int
    id: UUID
    account: str
    contact: str | None
    source: str
    external_id: str
    observed: Observed
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of each row, by index, and what executions made of it."""

    results: tuple[Result, ...]
    changed: Mapping[UUID, Statistics]
    applied: tuple[Applied, ...] = ()


async def take_facts(
    session: WriteSession,
    sent: Sequence[Sent],
    actor: Actor = SYSTEM,
    *,
    clock: Clock = database_clock,
) -> Taken:
    """Inserts the facts that are new and sound, brings the statistics of their accounts up to
    date, and tells open executions. Raises nothing for a row that is refused."""
    refused, sound = await _checked(session, sent, clock(await database_now(session)))
    results = refused | await known_by_key(session, sound)
    wanted = [one for index, one in sound.items() if results[index].status is FactStatus.accepted]
    changed: Mapping[UUID, Statistics] = {}
    applied: tuple[Applied, ...] = ()
    if wanted:
        held = await _hold(session, wanted)
        # what another batch has written meanwhile is seen from here on, and its instant is past
        now = clock(await database_now(session))
        wanted = [replace(one, known_at=min(one.known_at, now)) for one in wanted]
        new, judged = await _insert(session, wanted, {one.id: i for i, one in sound.items()})
        results |= judged
        results = _settled(results, {one.id for one in new}, sound)
        changed = await _recompute(session, new, held, now)
        applied = await _tell(session, new, changed, actor, clock)
    return Taken(tuple(results[index] for index in sorted(results)), changed, applied)


async def refresh(
    session: WriteSession,
    accounts: Collection[UUID],
    kinds: Collection[str],
    as_of: datetime,
) -> dict[UUID, dict[str, Value]]:
    """The fields that the accounts' facts of these kinds and their families make at an instant.

    Changes nothing: for the diagnostic, which brings up to date what time alone has changed.
    """
    wanted = {(account, name) for account in accounts for kind in kinds for name in family_of(kind)}
    known = await _known(session, wanted, as_of - REACH)
    return {
        account: fields_of([one.fact for one in found if one.stands(as_of)], as_of)
        for account, found in known.items()
    }


async def _checked(
    session: WriteSession, sent: Sequence[Sent], now: datetime
) -> tuple[dict[int, Result], dict[int, NewFact]]:
    """Each row's refusal, or the fact it makes."""
    accounts = await facts.accounts_named(session, {one.account for one in sent})
    named = {one.contact for one in sent if one.contact is not None}
    contacts = await facts.contacts_named(session, named) if named else {}
    refused: dict[int, Result] = {}
    sound: dict[int, NewFact] = {}
    for one in sent:
        try:
            content = check(one.observed, now)
            account = accounts.get(one.account)
            if account is None:
                raise NotFound(
                    "There is no such account in this organization. Send our id of it, or its "
                    "external id, or create it first.",
                    code="account_unknown",
                )
            sound[one.index] = _fact(one, account, _contact(one, account, contacts), content, now)
        except (Invalid, NotFound) as fault:
            refused[one.index] = Result(
                one.index, FactStatus.refused, fault.code, fault.message, None
            )
    return refused, sound


def _contact(one: Sent, account: UUID, contacts: Mapping[str, tuple[UUID, UUID]]) -> UUID | None:
    if one.contact is None:
        return None
    contact, of = contacts.get(one.contact, (None, None))
    if contact is None or of != account:
        raise NotFound(
            "The account has no such contact. Send our id of it, or its external id.",
            code="contact_unknown",
        )
    return contact


def _fact(
    one: Sent, account: UUID, contact: UUID | None, content: dict[str, Value], now: datetime
) -> NewFact:
    said = one.observed
    happened = said.happened_at.astimezone(UTC)
    known = said.known_at.astimezone(UTC) if said.known_at else None
    digest = hashlib.sha256(
        orjson.dumps([account, contact, said.kind, happened, known, sorted(content.items())])
    ).digest()
    return NewFact(
        id=one.id,
        account_id=account,
        contact_id=contact,
        kind=said.kind,
        source=one.source,
        external_id=one.external_id,
        happened_at=happened,
        known_at=known or _LATEST,
        content=content,
        digest=digest,
        corrects=one.corrects,
    )


_LATEST = datetime.max.replace(tzinfo=UTC)
"""Known when it is recorded: the instant is taken once the statistics are held."""


async def _hold(session: WriteSession, wanted: Sequence[NewFact]) -> dict[UUID, Statistics]:
    staged = {one.account_id for one in wanted if one.kind == "stage.changed"}
    if staged:
        await facts.hold_accounts(session, staged)
    return await statistics.hold_many(
        session, session.scope.org, {one.account_id for one in wanted}
    )


async def _insert(
    session: WriteSession, wanted: Sequence[NewFact], index_of: Mapping[UUID, int]
) -> tuple[list[NewFact], dict[int, Result]]:
    """What was inserted, and what became of each; judged again, now that the accounts are held."""
    results = await known_by_key(session, {index_of[one.id]: one for one in wanted})
    new = [one for one in wanted if results[index_of[one.id]].status is FactStatus.accepted]
    if not new:
        return [], results
    inserted = await facts.insert_facts(session, new)
    late = {index_of[one.id]: one for one in new if one.id not in inserted}
    if late:  # another batch, for another account, was faster with the same key
        results |= await known_by_key(session, late)
    return [one for one in new if one.id in inserted], results


def _settled(
    results: Mapping[int, Result], inserted: Collection[UUID], sound: Mapping[int, NewFact]
) -> dict[int, Result]:
    """With the ids that stand, where a row was found to repeat one that another batch brought."""
    stands = {one.id: results[i].id for i, one in sound.items() if one.id not in inserted}
    return {
        index: replace(one, id=stands.get(one.id, one.id)) if one.id else one
        for index, one in results.items()
    }


async def _recompute(
    session: WriteSession,
    new: Sequence[NewFact],
    held: Mapping[UUID, Statistics],
    now: datetime,
) -> dict[UUID, Statistics]:
    """Fields of the families that the new facts belong to, written where they changed.

    What facts said before and say no more, as after a correction, is taken away. What time alone
    changes in other families is the diagnostic's.
    """
    wanted = {(one.account_id, kind) for one in new for kind in family_of(one.kind)}
    if not wanted:
        return {}
    known = await _known(session, wanted, now - REACH)
    fresh = {one.id for one in new}
    changes: dict[UUID, dict[str, Value]] = {}
    stages: dict[UUID, str] = {}
    for account, found in known.items():
        before = fields_of([one.fact for one in found if _stood(one, fresh)], now)
        after = fields_of([one.fact for one in found if one.stands(now)], now)
        change: dict[str, Value] = {**dict.fromkeys(before), **after}
        stage = after.get(STAGE)
        if isinstance(stage, str) and stage != before.get(STAGE):
            stages[account] = stage
        else:
            change.pop(STAGE, None)
        changes[account] = change
    if stages:
        await facts.set_stages(session, stages)
    return await statistics.write_many(session, session.scope.org, held, changes)


def _stood(one: KnownFact, fresh: Collection[UUID]) -> bool:
    """Whether it counted before this batch."""
    corrected = one.corrected_by is not None and one.corrected_by not in fresh
    return one.fact.id not in fresh and not corrected


async def _known(
    session: WriteSession, wanted: Collection[tuple[UUID, str]], since: datetime
) -> dict[UUID, list[KnownFact]]:
    """By account, the facts of these kinds; touches that members logged among them."""
    found = await facts.facts_of(session, wanted, since)
    touched = {account for account, kind in wanted if kind.startswith("touch.")}
    if touched:
        for account, logged in (await facts.touches_of(session, touched, since)).items():
            found.setdefault(account, []).extend(logged)
    return found


async def _tell(
    session: WriteSession,
    new: Sequence[NewFact],
    changed: Mapping[UUID, Statistics],
    actor: Actor,
    clock: Clock,
) -> tuple[Applied, ...]:
    """Open executions hear of fields that changed, then of the facts that their steps wait for."""
    of: dict[UUID, list[intake.Fact]] = {}
    for one in sorted(new, key=lambda fact: (fact.happened_at, fact.source, fact.external_id)):
        fact = intake.Fact(one.kind, one.id, one.happened_at, dict(one.content))
        of.setdefault(one.account_id, []).append(fact)
    applied: list[Applied] = []
    for account in await executions.accounts_with_open(session, {*of, *changed}):
        if account in changed:
            applied += await intake.carry_fields(
                session, account, changed[account], actor, clock=clock
            )
        applied += await intake.learn_facts(
            session, account, of.get(account, []), actor, clock=clock
        )
    return tuple(applied)
