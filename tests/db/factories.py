"""Rows to test with, made through the app role as everything else is."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert

from db.bulk import table_of
from db.engine import Database
from db.models.accounts import Account
from db.models.memberships import Membership
from db.queries import across, playbook_catalogue, record
from db.queries.record import ExecutionChange, NewExecution, NewTransition, Written
from db.scope import Scope
from db.sessions import WriteSession
from runtime.ids import new_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def make_organization(db: Database, name: str = "Acme") -> Scope:
    """An organization, seen as its service member."""
    async with db.unscoped() as connection:
        return await across.create_organization(connection, new_id(), new_id(), name)


async def make_member(
    db: Database, scope: Scope, *roles: str, name: str = "Ada", manager: UUID | None = None
) -> UUID:
    """A person with these roles in the organization."""
    member = new_id()
    async with db.unscoped() as connection:
        user = await across.ensure_user(connection, new_id(), f"{name}-{member}@example.com", name)
    async with db.transaction(scope) as session:
        await session.run(
            insert(table_of(Membership)).values(
                org_id=scope.org, id=member, user_id=user, roles=list(roles), manager_id=manager
            )
        )
    return member


async def make_account(session: WriteSession, name: str = "Northwind") -> UUID:
    account = new_id()
    await session.run(
        insert(table_of(Account)).values(org_id=session.scope.org, id=account, name=name)
    )
    return account


async def make_version(session: WriteSession, publisher: UUID, key: str = "at-risk") -> UUID:
    """A published version; its definition is not looked at here."""
    new = playbook_catalogue.NewVersion(
        id=new_id(),
        key=key,
        name="At risk",
        source="playbook: at-risk",
        definition={"key": "at-risk"},
        content_hash="hash-1",
        engine=1,
        enabled_at_first=False,
    )
    made, _ = await playbook_catalogue.publish(session, session.scope.org, new, publisher)
    return made.id


def new_execution(version: UUID, account: UUID, playbook: str = "at-risk") -> NewExecution:
    return NewExecution(
        id=new_id(),
        playbook_key=playbook,
        version_id=version,
        content_hash="hash-1",
        engine=1,
        subject_kind="account",
        subject_id=account,
        account_id=account,
        contact_id=None,
        status="running",
        state=b'{"number": 0}',
        number=0,
        started_at=NOON,
        last_at=NOON,
        next_deadline=NOON,
        started_by=None,
        cause="by_hand",
    )


def change_to(number: int, status: str = "running") -> ExecutionChange:
    return ExecutionChange(
        status=status,
        state=b'{"number": %d}' % number,
        number=number,
        last_at=NOON,
        next_deadline=None if status == "ended" else NOON,
        outcome="success" if status == "ended" else None,
        outcome_code="recovered" if status == "ended" else None,
        ended_at=NOON if status == "ended" else None,
    )


def transition(number: int, event_id: str | None = None) -> NewTransition:
    return NewTransition(
        number=number,
        event_id=event_id or f"event-{number}",
        kind="step_completed",
        event=b'{"id": "event"}',
        at=NOON,
        late=False,
        commands=b"[]",
        digest=f"digest-{number}",
        actor_id=None,
        on_behalf_of=None,
        reason_code="outreach",
        next_deadline=NOON,
        ended=False,
    )


async def begin(session: WriteSession, execution: NewExecution) -> bool:
    """Whether it was written; not where an open one stands in its way."""
    return bool(await record.write(session, Written(execution.id, execution, [])))


async def make_execution(db: Database, scope: Scope) -> UUID:
    """An open execution for a new account."""
    async with db.transaction(scope) as session:
        account = await make_account(session)
        version = await make_version(session, scope.member)
        execution = new_execution(version, account)
        await begin(session, execution)
        return execution.id
