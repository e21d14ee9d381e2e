"""The one way into every route: who calls, what they may, one transaction, one answer.

A route of the API is a `GuardedRoute`: it knows its caller before it reads the input, runs its
endpoint inside one scoped transaction, keeps the answer under the caller's Idempotency-Key in that
same transaction, commits before it answers, and has workflows told after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

import orjson
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.auth.callers import Caller, bearer_of, unauthenticated
from api.auth.delegation import acting_for
from api.auth.permissions import Guarding, guarding_of, may
from api.parts import Parts, parts_of
from api.problems import problem_of
from db.engine import Database
from db.models.memberships import Membership
from db.queries import across, audit, idempotency, words
from db.queries.audit import NewAuditEntry
from db.queries.clock import database_now
from db.queries.idempotency import Keyed
from db.queries.words import WordsRow
from db.requests import Applied, Clock, NewWords
from db.sessions import ReadSession, WriteSession
from domain.errors import Conflict, Forbidden, HoldfastError, Invalid, NotFound
from domain.playbook.definition import Role
from domain.playbook.events import Actor
from domain.playbook.telling import Told
from runtime.ids import new_id
from runtime.tokens import token_digest

LONGEST_KEY = 200
SMALL_BODY = 65_536
"""Bytes that are read before the token is looked up; a choice, above every command's body."""

_NAMESPACE = UUID("5b0b4c56-6a0e-5d0c-9d2e-8a2f0a1d9c11")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RefusedAfterCommit(Exception):
    """A refusal whose kept answer and audit entry have to be committed before it is told."""

    def __init__(self, refusal: HoldfastError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass(slots=True)
class Reading:
    """What an endpoint that only reads is given."""

    session: ReadSession
    caller: Caller
    clock: Clock

    @property
    def org(self) -> UUID:
        return self.caller.org

    async def now(self) -> datetime:
        """The instant that counts, by the clock port."""
        return self.clock(await database_now(self.session))


@dataclass(slots=True)
class Writing:
    """What an endpoint that changes something is given."""

    session: WriteSession
    caller: Caller
    clock: Clock
    identity: UUID
    on_behalf_of: UUID | None = None
    their_roles: tuple[Role, ...] = ()
    told: list[tuple[UUID, tuple[Told, ...]]] = field(default_factory=list)

    @property
    def org(self) -> UUID:
        return self.caller.org

    @property
    def actor(self) -> Actor:
        """The caller, on behalf of whom they stand in for, with the roles of both."""
        roles = tuple(dict.fromkeys((*self.caller.roles, *self.their_roles)))
        behalf = str(self.on_behalf_of) if self.on_behalf_of else None
        return Actor(str(self.caller.member), roles, behalf)

    def id_of(self, part: str = "") -> UUID:
        """An id for what this request makes: the same for the same key, else a new one."""
        return uuid5(self.identity, part)

    def event_id(self, part: str = "") -> str:
        """An id for the event that this request causes: the same for the same key."""
        return f"api:{self.id_of(part)}"

    def applied(self, applied: Applied) -> Applied:
        """Notes what has to be told after the commit. Raises where the command was refused."""
        if applied.told:
            self.told.append((applied.execution, applied.told))
        if applied.refusal is not None:
            raise RefusedAfterCommit(applied.refusal)
        return applied

    def heard(self, *applied: Applied) -> list[Applied]:
        """Executions that got an event of their own; their workflows are told too. Those that
        refused it are left out."""
        took = [one for one in applied if one.refusal is None]
        self.told.extend((one.execution, one.told) for one in took if one.told)
        return took

    async def now(self) -> datetime:
        """The instant that counts, by the clock port."""
        return self.clock(await database_now(self.session))

    async def require_member(self, member: UUID) -> None:
        """Raises NotFound `member_not_found` unless the member is active here."""
        found = await self.session.get(Membership, member)
        if found is None or not found.active:
            raise NotFound(
                "There is no such active member in this organization.",
                code="member_not_found",
                details={"member": str(member)},
            )

    def new_words(self, purpose: str, text: str, part: str = "") -> NewWords:
        """Words for a command. Their id depends on the text, so that the same key with another
        text is found out; `part` tells commands of one request apart."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return NewWords(self.id_of(f"words:{purpose}:{part}:{digest}"), purpose, text)

    async def write_words(
        self, purpose: str, text: str, account: UUID | None = None, contact: UUID | None = None
    ) -> UUID:
        """Keeps what the caller wrote, as a row of its own; its id."""
        identity = self.id_of(f"words:{purpose}")
        row = WordsRow(identity, purpose, text, self.caller.member, account, contact)
        await words.insert(self.session, [row])
        return identity

    async def record(
        self,
        action: str,
        object_kind: str,
        object_id: UUID | str,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Writes the audit entry of this change: ids, codes, numbers and instants only."""
        entry = NewAuditEntry(
            id=new_id(),
            at=await self.now(),
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            actor_id=self.caller.member,
            on_behalf_of=self.on_behalf_of,
            data=data,
        )
        await audit.insert_many(self.session, [entry])


async def _reading(request: Request) -> Reading:
    reading: Reading = request.state.work
    return reading


async def _writing(request: Request) -> Writing:
    writing: Writing = request.state.work
    return writing


Read = Annotated[Reading, Depends(_reading)]
Write = Annotated[Writing, Depends(_writing)]


class GuardedRoute(APIRoute):
    """A route that nobody enters without a token, a permission and a transaction."""

    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()
        guarding = guarding_of(self.endpoint)
        changes = not (set(self.methods or ()) <= _READING) and guarding.writes

        async def handle(request: Request) -> Response:
            parts = parts_of(request)
            digest = token_digest(bearer_of(request))
            key = _key_of(request) if changes else None
            if changes:
                await _take_body(parts.database, digest, request)
            entry = Entry(parts, digest, guarding, request)
            try:
                if changes:
                    return await _change(entry, key, endpoint)
                async with _entered(entry, writes=False) as (caller, session):
                    request.state.work = Reading(session, caller, parts.settings.clock)
                    return await endpoint(request)
            except _Denied as denied:
                raise await _refusal(entry, denied.caller) from denied

        return handle


@dataclass(frozen=True, slots=True)
class Entry:
    """A request at the door: the hash of its token, and what its route asks for."""

    parts: Parts
    digest: bytes
    guarding: Guarding
    request: Request


class _Denied(Exception):
    """The caller's roles do not include what the route asks for."""

    def __init__(self, caller: Caller) -> None:
        super().__init__()
        self.caller = caller


@asynccontextmanager
async def _entered(entry: Entry, *, writes: bool) -> AsyncIterator[tuple[Caller, WriteSession]]:
    """The transaction of a request. Raises Unauthenticated and `_Denied` before anything is done.

    The use of a token is noted once a minute, after the transaction, which must not hold it.
    """
    database = entry.parts.database
    async with database.entered(entry.digest, writes=writes) as entered:
        if entered is None:
            raise unauthenticated()
        bearer, session = entered
        roles = tuple(Role(role) for role in bearer.roles)
        caller = Caller(bearer.scope.org, bearer.scope.member, roles, bearer.token)
        if not may(caller.roles, entry.guarding.permission):
            raise _Denied(caller)
        yield caller, session
    if bearer.unseen:
        await across.bearer_of(database, entry.digest)


async def _refusal(entry: Entry, caller: Caller) -> Forbidden:
    """The refusal, with its audit entry written."""
    parts, permission, request = entry.parts, entry.guarding.permission.value, entry.request
    async with parts.database.transaction(caller.scope) as session:
        denied = NewAuditEntry(
            id=new_id(),
            at=parts.settings.clock(await database_now(session)),
            action="access.denied",
            object_kind="route",
            object_id=f"{request.method} {request.scope['route'].path}",
            actor_id=caller.member,
            outcome="denied",
            reason_code=permission,
        )
        await audit.insert_many(session, [denied])
    return Forbidden(
        f"Your roles do not include {permission}. Ask an administrator.",
        details={"permission": permission},
    )


def _key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Invalid(
            f"Send an Idempotency-Key of 1 to {LONGEST_KEY} printable ASCII characters.",
            code="invalid_idempotency_key",
        )
    return key


async def _take_body(database: Database, digest: bytes, request: Request) -> None:
    """Reads the body before a transaction begins, so that a slow sender holds no connection.

    Strangers may send only so much: for a larger body the token is looked up first.
    """
    nothing = "" if "transfer-encoding" in request.headers else "0"
    declared = request.headers.get("content-length", nothing)
    small = declared.isdecimal() and int(declared) <= SMALL_BODY
    if not small and await across.bearer_of(database, digest) is None:
        raise unauthenticated()
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        await request.form(max_files=1, max_fields=5)
    else:
        await request.body()


async def _change(entry: Entry, key: str | None, endpoint: Handler) -> Response:
    parts, request = entry.parts, entry.request
    route = f"{request.method} {request.url.path}"
    async with _entered(entry, writes=True) as (caller, session):
        identity = uuid5(_NAMESPACE, f"{caller.member}\n{route}\n{key}") if key else new_id()
        keyed = None
        if key and not entry.guarding.kept_by_engine:
            keyed = Keyed(caller.member, route, key, await _digest(request))
            kept = await idempotency.claim(session, caller.org, keyed)
            if kept is not None:
                return _again(kept)
        work = Writing(session, caller, parts.settings.clock, identity)
        behalf = request.headers.get("holdfast-on-behalf-of")
        if behalf is not None:
            work.on_behalf_of, work.their_roles = await acting_for(session, caller, behalf)
        request.state.work = work
        try:
            response = await endpoint(request)
        except RefusedAfterCommit as refused:
            response = problem_of(refused.refusal, request.url.path)
        except Conflict as conflict:
            if conflict.code != "event_id_reused":
                raise
            raise idempotency.reused() from conflict
        if keyed is not None:
            await session.flush()
            await idempotency.keep(
                session, caller.org, keyed, response.status_code, bytes(response.body) or None
            )
    if parts.teller is not None:
        for execution, told in work.told:
            parts.teller.tell_soon(caller.org, execution, told)
    return response


async def _digest(request: Request) -> str:
    digest = hashlib.sha256(request.url.query.encode())
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        for name, value in (await request.form()).multi_items():
            digest.update(name.encode() + b"\0")
            if isinstance(value, str):
                digest.update(value.encode())
            else:
                while chunk := await value.read(1 << 20):
                    digest.update(chunk)
                await value.seek(0)
    else:
        digest.update(b"\0" + await request.body())
    return digest.hexdigest()


def _again(kept: idempotency.Kept) -> Response:
    media_type = "application/json" if kept.status < 400 else "application/problem+json"
    content = b"" if kept.response is None else orjson.dumps(kept.response)
    return Response(
        content,
        kept.status,
        {"Idempotent-Replayed": "true"},
        media_type if content else None,
    )
