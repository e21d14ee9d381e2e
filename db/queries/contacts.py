"""People at accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_, update

from db.models.contacts import Contact
from db.sessions import ReadSession, WriteSession
from domain.errors import NotFound


async def list_contacts(
    session: ReadSession,
    org: UUID,
    account: UUID | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> Sequence[Contact]:
    """Contacts by name, at most `limit`, following the (name, id) `after`."""
    query = select(Contact).where(Contact.org_id == org)
    if account is not None:
        query = query.where(Contact.account_id == account)
    if after is not None:
        query = query.where(tuple_(Contact.name, Contact.id) > after)
    return (await session.scalars(query.order_by(Contact.name, Contact.id).limit(limit))).all()


async def get_contact(session: ReadSession, org: UUID, contact: UUID) -> Contact:
    """Raises NotFound `contact_not_found`."""
    found = await session.scalar(
        select(Contact)
        .where(Contact.org_id == org, Contact.id == contact)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(
            "There is no such contact in this organization.",
            code="contact_not_found",
            details={"contact": str(contact)},
        )
    return found


async def add_contact(
    session: WriteSession, org: UUID, contact: UUID, values: Mapping[str, Any]
) -> Contact:
    """A new contact. The account must be the organization's."""
    made = Contact(org_id=org, id=contact, **values)
    session.add(made)
    await session.flush()
    return await get_contact(session, org, contact)


async def change_contact(
    session: WriteSession, org: UUID, contact: UUID, changes: Mapping[str, Any]
) -> Contact:
    """Raises NotFound `contact_not_found`."""
    await session.run(
        update(Contact)
        .where(Contact.org_id == org, Contact.id == contact)
        .values(**changes, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    return await get_contact(session, org, contact)
