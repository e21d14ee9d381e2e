"""Members of the organization, and who the caller is."""

from __future__ import annotations

from uuid import UUID

from api.auth.permissions import Permission, may, needs
from api.guard import Read
from api.members.schemas import MemberView, MeView
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from db.queries.absences import delegating_to
from db.queries.member_list import list_members as members_by_name
from domain.playbook.definition import Role

router = router_of("members")


@router.get("/members")
@needs(Permission.read)
async def list_members(
    work: Read, role: Role | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[MemberView]:
    """Members by name."""
    after = decode(cursor, str, UUID)
    rows = await members_by_name(work.session, role, after, limit + 1)
    return page(rows, limit, MemberView.model_validate, lambda row: (row.name, row.id))


@router.get("/me")
@needs(Permission.read)
async def get_me(work: Read) -> MeView:
    """The caller, and the members they stand in for now."""
    caller = work.caller
    return MeView(
        organization=caller.org,
        member=caller.member,
        roles=list(caller.roles),
        permissions=[one for one in Permission if may(caller.roles, one)],
        standing_in_for=await delegating_to(work.session, caller.org, caller.member),
    )
