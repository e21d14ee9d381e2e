"""Who is away and who stands in: list, record, cancel. People record their own."""

from __future__ import annotations

from uuid import UUID

from api.absences.schemas import AbsenceBody, AbsenceView
from api.auth.permissions import Permission, may, needs
from api.guard import Read, Write, Writing
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries import absences
from domain.errors import Conflict, Forbidden, Invalid

router = router_of("absences", "/absences")


@router.get("")
@needs(Permission.read)
async def list_absences(
    work: Read, member: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[AbsenceView]:
    """Absences, the newest first, of one member or of all."""
    after = decode(cursor, UUID)
    rows = await absences.list_absences(
        work.session, work.org, member, after[0] if after else None, limit + 1
    )
    return page(rows, limit, AbsenceView.model_validate, lambda row: (row.id,))


@router.post("", status_code=201)
@needs(Permission.write_records)
async def add_absence(work: Write, body: AbsenceBody) -> AbsenceView:
    """Records an absence; the delegate's inbox shows the member's work while it lasts."""
    member = body.member or work.caller.member
    _own_or_leading(work, member)
    if member == body.delegate:
        raise Invalid("Name somebody else as delegate.", code="delegate_is_member")
    for needed in (member, body.delegate):
        await work.require_member(needed)
    other = await absences.overlapping(work.session, work.org, member, body.starts_at, body.ends_at)
    if other is not None:
        raise Conflict(
            "Another absence of this member shares days with it. Cancel that one first.",
            code="absence_overlaps",
            details={"absence": str(other)},
        )
    added = await absences.add_absence(
        work.session,
        work.org,
        work.id_of(),
        member=member,
        delegate=body.delegate,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
    )
    await work.record("absence.added", "absence", added.id, {"member": str(member)})
    return AbsenceView.model_validate(added)


@router.get("/{absence}")
@needs(Permission.read)
async def get_absence(work: Read, absence: UUID) -> AbsenceView:
    return AbsenceView.model_validate(await absences.get_absence(work.session, work.org, absence))


@router.post("/{absence}/cancel")
@needs(Permission.write_records)
async def cancel_absence(work: Write, absence: UUID) -> AbsenceView:
    """Cancels it now; a second time changes nothing."""
    found = await absences.get_absence(work.session, work.org, absence)
    _own_or_leading(work, found.member_id)
    cancelled = await absences.cancel_absence(work.session, work.org, absence)
    await work.record("absence.cancelled", "absence", absence)
    return AbsenceView.model_validate(cancelled)


def _own_or_leading(work: Writing, member: UUID) -> None:
    if member != work.caller.member and not may(work.caller.roles, Permission.write_absences):
        raise Forbidden(
            "Record your own absence, or ask who leads the team.",
            details={"permission": Permission.write_absences.value},
        )
