"""Loads the demo organization: once, whatever was killed before, and without mail from its past.

What belongs together is one transaction: the organization's foundation, its playbooks, each story,
the tokens. Ids are the same at every load, so a load that was cut short goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.calendars import clock_and_calendar
from db.engine import Database
from db.models.memberships import Membership
from db.queries import across, demo_history, members, playbook_catalogue
from db.queries.audit import NewAuditEntry, insert_many
from db.scope import Scope
from db.sessions import WriteSession
from demo import company, foundation
from demo.identity import dated, fixed
from demo.playing import Playing
from demo.portfolio import CUSTOMERS
from demo.stories.catalogue import STORIES
from demo.story import Story
from domain.errors import NotFound
from domain.playbook.codec import content_hash, definition_to_json
from domain.playbook.state import ENGINE_REVISION
from playbooks.library import shipped
from runtime.ids import new_id
from runtime.tokens import new_token

TOKEN_NAME = "demo"
SCOPE = Scope(company.ORGANIZATION, company.SERVICE)

Progress = Callable[[int, int], None]
"""Called with what is done and with how much there is."""


@dataclass(frozen=True, slots=True)
class DemoToken:
    """An API token of a member; `text` is shown this once."""

    role: str
    name: str
    email: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The demo organization, with how much there is in it.

    `made` says how many stories this load played; `tokens` are there when it issued them.
    """

    organization: UUID
    name: str
    accounts: int
    executions: int
    made: int
    tokens: tuple[DemoToken, ...]


Keep = Callable[[Sequence[DemoToken]], None]
"""Called with the tokens before they count, so that none is issued and then lost."""


def quietly(done: int, total: int) -> None:
    """Tells nobody."""


def shown_only(tokens: Sequence[DemoToken]) -> None:
    """Keeps nothing: the tokens are in the answer alone."""


async def load(
    database: Database, now: datetime, *, progress: Progress = quietly, keep: Keep = shown_only
) -> Loaded:
    """The demo organization as of `now` (aware, UTC), made where it is missing.

    Once it is whole nothing of it is made again, whatever people have done with it since.
    """
    if await _is_whole(database):
        return _loaded(0, ())
    total = len(STORIES) + 3
    await _found(database, now)
    progress(1, total)
    async with database.transaction(SCOPE) as session:
        await _publish(session, now)
    progress(2, total)
    missing = await _missing(database)
    for done, story in enumerate(STORIES):
        if story in missing:
            await _play(database, story, now)
        progress(3 + done, total)
    async with database.transaction(SCOPE) as session:
        tokens = await _issue(session, now)
        keep(tokens)
    progress(total, total)
    return _loaded(len(missing), tokens)


def _loaded(made: int, tokens: tuple[DemoToken, ...]) -> Loaded:
    executions = sum(len(story.parts) for story in STORIES)
    return Loaded(company.ORGANIZATION, company.NAME, len(CUSTOMERS), executions, made, tokens)


async def _is_whole(database: Database) -> bool:
    """The tokens come last: where they were issued, everything else is there."""
    async with database.reading(SCOPE) as session:
        return await demo_history.has_token(session, TOKEN_NAME)


async def _found(database: Database, now: datetime) -> None:
    """The organization with everything that stands before any playbook runs."""
    async with database.unscoped() as unscoped:
        try:
            await across.find_organization(unscoped, str(company.ORGANIZATION))
        except NotFound:
            await across.create_organization(
                unscoped,
                company.ORGANIZATION,
                company.SERVICE,
                company.NAME,
                timezone=company.TIMEZONE,
                country=company.COUNTRY,
                demo=True,
            )
        users = {
            one.key: await across.ensure_user(unscoped, fixed("user", one.key), one.email, one.name)
            for one in company.COLLEAGUES
        }
    async with database.transaction(SCOPE) as session:
        if await session.get(Membership, company.COLLEAGUES[0].id) is not None:
            return
        await foundation.lay(session, now, users, {one.account: one.before for one in STORIES})
        await _record(session, now, "organization.create", "organization", company.ORGANIZATION)


async def _publish(session: WriteSession, now: datetime) -> None:
    """Every shipped playbook, published and enabled by operations."""
    publisher = company.BY_KEY["nadia"].id
    for key, one in shipped().items():
        version = playbook_catalogue.NewVersion(
            id=fixed("version", key, content_hash(one.definition)),
            key=key,
            name=one.definition.name,
            source=one.source,
            definition=definition_to_json(one.definition),
            content_hash=content_hash(one.definition),
            engine=ENGINE_REVISION,
            enabled_at_first=True,
        )
        _, is_new = await playbook_catalogue.publish(session, SCOPE.org, version, publisher)
        if is_new:
            await _record(session, now, "playbook.publish", "playbook", key, by=publisher)


async def _missing(database: Database) -> tuple[Story, ...]:
    """The stories that no load has played yet."""
    async with database.reading(SCOPE) as session:
        begun = await demo_history.begun(session, [story.execution(0) for story in STORIES])
    return tuple(story for story in STORIES if story.execution(0) not in begun)


async def _play(database: Database, story: Story, now: datetime) -> None:
    """One story, whole or not at all; what it would have sent is withdrawn with it."""
    async with database.transaction(SCOPE) as session:
        _, calendar = await clock_and_calendar(session)
        await Playing(session, story, now, calendar).play()
        played = [story.execution(number) for number in range(len(story.parts))]
        await demo_history.withdraw_past(session, played)


async def _issue(session: WriteSession, now: datetime) -> tuple[DemoToken, ...]:
    """A token for each kind of person."""
    issued: list[DemoToken] = []
    for key in company.TOKENS_FOR:
        one, fresh, identity = company.BY_KEY[key], new_token(), new_id()
        await members.add_token(
            session,
            identity,
            one.id,
            name=TOKEN_NAME,
            prefix=fresh.prefix,
            sha256=fresh.sha256,
        )
        await _record(session, now, "token.issue", "token", identity)
        issued.append(DemoToken(one.role.value, one.name, one.email, fresh.text))
    return tuple(issued)


async def _record(
    session: WriteSession,
    now: datetime,
    action: str,
    kind: str,
    about: UUID | str,
    *,
    by: UUID | None = None,
) -> None:
    entry = NewAuditEntry(
        id=dated(now, "audit", action, str(about)),
        at=now,
        action=action,
        object_kind=kind,
        object_id=str(about),
        actor_id=by,
        reason_code="demo",
    )
    await insert_many(session, [entry])
