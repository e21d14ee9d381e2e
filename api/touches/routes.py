"""Calls, meetings and mails with customers: log, list, read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.pagination import Cursor, Limit, Page, decode, page
from api.routing import router as router_of
from api.touches.schemas import Reached, TouchBody, TouchKind, TouchView, view
from db.intake import Fact, learn_fact, learn_fields
from db.queries import accounts, touches
from db.queries.statistics import read_statistics
from domain.errors import Invalid
from domain.playbook.definition import Value

router = router_of("touches", "/touches")


@router.get("")
@needs(Permission.read)
async def list_touches(
    work: Read, account: UUID | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[TouchView]:
    """Touches, the last recorded first, of one account or of all."""
    after = decode(cursor, UUID)
    rows = await touches.list_touches(
        work.session, work.org, account, after[0] if after else None, limit + 1
    )
    return page(rows, limit, view, lambda row: (row.touch.id,))


@router.post("", status_code=201)
@needs(Permission.write_records)
async def log_touch(work: Write, body: TouchBody) -> TouchView:
    """Logs a touch; a step that waits for it is completed or filled in, in one transaction."""
    await accounts.require_account(work.session, work.org, body.account)
    now = await work.now()
    occurred_at = body.occurred_at or now
    if occurred_at > now:
        raise Invalid("Say when it happened, not when it will.", code="occurred_in_future")
    words = None
    if body.words is not None:
        words = await work.write_words("touch", body.words, body.account, body.contact)
    touch = await touches.add_touch(
        work.session,
        work.org,
        work.id_of(),
        {
            "account_id": body.account,
            "contact_id": body.contact,
            "member_id": work.caller.member,
            "words_id": words,
            "external_id": body.external_id,
            "kind": body.kind,
            "two_way": body.two_way,
            "occurred_at": occurred_at,
        },
    )
    known = await read_statistics(work.session, work.org, body.account)
    fields = _fields(known.fields, occurred_at, body.two_way)
    learned = await learn_fields(work.session, body.account, fields, work.actor, clock=work.clock)
    fact = Fact(_fact(body), touch.touch.id, occurred_at, body.answers)
    applied = await learn_fact(work.session, body.account, fact, work.actor, clock=work.clock)
    reached = work.heard(*learned.applied, *applied)
    await work.record("touch.logged", "touch", touch.touch.id, {"account": str(body.account)})
    answer = view(touch)
    answer.reached = [Reached.model_validate(one) for one in reached]
    return answer


@router.get("/{touch}")
@needs(Permission.read)
async def get_touch(work: Read, touch: UUID) -> TouchView:
    return view(await touches.get_touch(work.session, work.org, touch))


def _fact(body: TouchBody) -> str:
    """A mail that the customer answered is a reply."""
    return "touch.reply" if body.kind is TouchKind.mail and body.two_way else f"touch.{body.kind}"


def _fields(known: dict[str, Value], occurred_at: datetime, two_way: bool) -> dict[str, Value]:
    """The last touch of each sort, where this one is later than what is known."""
    at = occurred_at.isoformat()
    names = ("touch.last_at", "touch.last_two_way_at") if two_way else ("touch.last_at",)
    return {name: at for name in names if not isinstance(last := known.get(name), str) or last < at}
