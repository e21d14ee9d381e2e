"""What tests begin with, made by functions: an organization, its members, an account, playbooks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db.engine import Database
from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.queries import across, members, playbook_catalogue, statistics
from db.scope import Scope
from domain.playbook.codec import content_hash, definition_to_json
from domain.playbook.definition import Definition, Role, Value
from domain.playbook.events import Actor
from domain.playbook.state import ENGINE_REVISION
from runtime.ids import new_id


@dataclass(frozen=True, slots=True)
class Person:
    """A member of an organization, as scope and as actor."""

    id: UUID
    scope: Scope
    roles: tuple[Role, ...]

    @property
    def actor(self) -> Actor:
        return Actor(str(self.id), self.roles)


async def organization(database: Database, name: str = "Acme") -> Scope:
    """A new organization; its scope is the service member's."""
    async with database.unscoped() as unscoped:
        return await across.create_organization(unscoped, new_id(), new_id(), name)


async def person(
    database: Database, org: Scope, *roles: Role, name: str = "", manager: Person | None = None
) -> Person:
    """A member with these roles."""
    identity = new_id()
    called = name or "-".join(roles) or "member"
    async with database.unscoped() as unscoped:
        user = await across.ensure_user(
            unscoped, new_id(), f"{called}.{identity.hex[-12:]}@example.test", called
        )
    async with database.transaction(org) as session:
        await members.add_member(
            session,
            identity,
            user,
            [role.value for role in roles],
            manager=manager.id if manager else None,
        )
    return Person(identity, Scope(org.org, identity), roles)


async def account(
    database: Database,
    org: Scope,
    name: str = "Globex",
    *,
    team: dict[Role, Person] | None = None,
    fields: dict[str, Value] | None = None,
) -> UUID:
    """An account with its team and the fields that playbooks read."""
    identity = new_id()
    async with database.transaction(org) as session:
        session.add(Account(org_id=org.org, id=identity, name=name))
        await session.flush()
        for role, member in (team or {}).items():
            session.add(
                AccountTeamPlace(
                    org_id=org.org, account_id=identity, role=role.value, member_id=member.id
                )
            )
        await session.flush()
        await statistics.write_statistics(session, org.org, identity, fields or {})
    return identity


async def published(database: Database, by: Person, definition: Definition) -> None:
    """A playbook whose first version is enabled."""
    new = playbook_catalogue.NewVersion(
        id=new_id(),
        key=definition.key,
        name=definition.name,
        source="# made by a test\n",
        definition=definition_to_json(definition),
        content_hash=content_hash(definition),
        engine=ENGINE_REVISION,
        enabled_at_first=True,
    )
    async with database.transaction(by.scope) as session:
        await playbook_catalogue.publish(session, by.scope.org, new, by.id)
