"""Contacts: list, add, read, change."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, needs
from api.contacts.schemas import ContactBody, ContactChange, ContactView
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries import accounts, contacts

router = router_of("contacts", "/contacts")


@router.get("")
@needs(Permission.read)
async def list_contacts(
    work: Read, account: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[ContactView]:
    """Contacts by name, of one account or of all."""
    after = decode(cursor, str, UUID)
    rows = await contacts.list_contacts(work.session, work.org, account, after, limit + 1)
    return page(rows, limit, ContactView.model_validate, lambda row: (row.name, row.id))


@router.post("", status_code=201)
@needs(Permission.write_contacts)
async def add_contact(work: Write, body: ContactBody) -> ContactView:
    await accounts.require_account(work.session, work.org, body.account)
    values = body.model_dump(exclude={"account"}) | {"account_id": body.account}
    contact = await contacts.add_contact(work.session, work.org, work.id_of(), values)
    await work.record("contact.added", "contact", contact.id, {"account": str(body.account)})
    return ContactView.model_validate(contact)


@router.get("/{contact}")
@needs(Permission.read)
async def get_contact(work: Read, contact: UUID) -> ContactView:
    return ContactView.model_validate(await contacts.get_contact(work.session, work.org, contact))


@router.patch("/{contact}")
@needs(Permission.write_contacts)
async def change_contact(work: Write, contact: UUID, body: ContactChange) -> ContactView:
    changes = body.model_dump(exclude_unset=True)
    changed = await contacts.change_contact(work.session, work.org, contact, changes)
    await work.record("contact.changed", "contact", contact, {"fields": sorted(changes)})
    return ContactView.model_validate(changed)
