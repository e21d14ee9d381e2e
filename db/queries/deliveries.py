"""Deliveries: carried under a lease with a fencing number, ended once, redelivered (law 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, func, insert, literal_column, or_, select, update

from db.bulk import table_of
from db.models.deliveries import Delivery
from db.prepared import Prepared
from db.sessions import ReadSession, WriteSession

_TABLE = table_of(Delivery)
D = _TABLE.c

UNFINISHED = ("pending", "claimed")
is_unfinished = D.status.in_([literal_column(f"'{status}'") for status in UNFINISHED])
"""Written out, not bound: a prepared statement proves the partial indexes by it."""

_CARRIED = Prepared(
    select(D.id, D.not_before)
    .where(
        D.org_id == bindparam("org", type_=Uuid()),
        D.execution_id == bindparam("execution", type_=Uuid()),
        D.carrier == literal_column("'workflow'"),
        is_unfinished,
    )
    .order_by(D.number, D.ordinal)
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send until `lease_until`; `attempts` counts this one.

    The key under which it is sent is (execution, number, ordinal), or its id where it belongs to
    no transition.
    """

    id: UUID
    execution: UUID | None
    number: int | None
    ordinal: int
    step: str | None
    occurrence: int | None
    channel: str
    recipient_kind: str
    recipient: UUID | None
    template: str
    params: dict[str, Any]
    urgent: bool
    carrier: str
    attempts: int
    fencing: int
    lease_until: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """Why a delivery is not ours: it ended (`status`), or has to wait until `not_before`."""

    status: str
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery still to be made, not before `not_before` where that is set."""

    id: UUID
    not_before: datetime | None


_CLAIMED = (
    D.id,
    D.execution_id,
    D.number,
    D.ordinal,
    D.step,
    D.occurrence,
    D.channel,
    D.recipient_kind,
    D.recipient_id,
    D.template,
    D.params,
    D.urgent,
    D.carrier,
    D.attempts,
    D.fencing,
    D.lease_until,
    D.created_at,
)


async def claim(
    session: WriteSession, delivery: UUID, lease: timedelta
) -> Claimed | NotClaimed | None:
    """Takes a delivery whose time has come and that nobody holds; None: there is none."""
    now = func.clock_timestamp()
    made = await session.run(
        update(_TABLE)
        .where(
            D.org_id == session.scope.org,
            D.id == delivery,
            or_(
                and_(D.status == "pending", or_(D.not_before.is_(None), D.not_before <= now)),
                and_(D.status == "claimed", D.lease_until < now),
            ),
        )
        .values(
            status="claimed",
            attempts=D.attempts + 1,
            fencing=D.fencing + 1,
            lease_until=now + lease,
        )
        .returning(*_CLAIMED)
    )
    row = made.first()
    if row is not None:
        return Claimed(*row)
    left = await session.execute(
        select(D.status, D.not_before, D.lease_until).where(
            D.org_id == session.scope.org, D.id == delivery
        )
    )
    other = left.first()
    if other is None:
        return None
    status, not_before, lease_until = other
    return NotClaimed(status, lease_until if status == "claimed" else not_before)


async def delivered(
    session: WriteSession, delivery: UUID, fencing: int, result: dict[str, Any] | None = None
) -> bool:
    """Ends it well; False where the claim with this fencing number has been lost."""
    return await _end(session, delivery, fencing, "delivered", None, result)


async def dead(
    session: WriteSession,
    delivery: UUID,
    fencing: int,
    error: str,
    result: dict[str, Any] | None = None,
) -> bool:
    """Gives it up as a dead letter; `error` is a code. False where the claim has been lost."""
    return await _end(session, delivery, fencing, "dead", error, result)


async def withdrawn(session: WriteSession, delivery: UUID, fencing: int, reason: str) -> bool:
    """Ends it unsent, because it has become pointless. False where the claim has been lost."""
    return await _end(session, delivery, fencing, "withdrawn", reason, None)


async def retry_later(
    session: WriteSession, delivery: UUID, fencing: int, error: str, wait: timedelta
) -> datetime | None:
    """Gives the claim back; the instant from which it may be tried again.

    None where the claim has been lost.
    """
    made = await session.run(
        update(_TABLE)
        .where(*_ours(session, delivery, fencing))
        .values(
            status="pending",
            lease_until=None,
            last_error=error,
            not_before=func.clock_timestamp() + wait,
        )
        .returning(D.not_before)
    )
    found: datetime | None = made.scalar()
    return found


async def unfinished(session: ReadSession, execution: UUID) -> list[Pending]:
    """What the execution's workflow still has to carry, in order."""
    rows = await session.ask(_CARRIED, {"org": session.scope.org, "execution": execution})
    return [Pending(*row) for row in rows]


async def redeliver(session: WriteSession, delivery: UUID) -> int | None:
    """Puts a dead letter back, to be carried by a workflow of its own.

    Its new fencing number, which names that workflow; None where it is no dead letter.
    """
    made = await session.run(
        update(_TABLE)
        .where(D.org_id == session.scope.org, D.id == delivery, D.status == "dead")
        .values(
            status="pending",
            carrier="own",
            attempts=0,
            fencing=D.fencing + 1,
            not_before=None,
            lease_until=None,
            ended_at=None,
        )
        .returning(D.fencing)
    )
    found: int | None = made.scalar()
    return found


async def own_waiting(session: ReadSession, limit: int = 500) -> list[tuple[UUID, int]]:
    """Deliveries with a workflow of their own whose time has come, with their fencing numbers."""
    rows = await session.execute(
        select(D.id, D.fencing)
        .where(
            D.org_id == session.scope.org,
            D.carrier == "own",
            is_unfinished,
            or_(D.not_before.is_(None), D.not_before <= func.clock_timestamp()),
        )
        .order_by(D.created_at)
        .limit(limit)
    )
    return [(delivery, fencing) for delivery, fencing in rows]


async def gather_digests(session: WriteSession, new_id: Callable[[], UUID]) -> list[UUID]:
    """Folds what waits for a digest into one mail for each member; the ids of those mails.

    A mail's params name the deliveries it tells of; those count as delivered with it.
    """
    rows = await session.run(
        select(D.id, D.recipient_id)
        .where(
            D.org_id == session.scope.org,
            D.carrier == "digest",
            D.status == "pending",
            D.recipient_id.is_not(None),
            or_(D.not_before.is_(None), D.not_before <= func.clock_timestamp()),
        )
        .order_by(D.recipient_id, D.created_at, D.number, D.ordinal)
        .with_for_update(skip_locked=True)
    )
    waiting: dict[UUID, list[UUID]] = {}
    for delivery, member in rows:
        waiting.setdefault(member, []).append(delivery)
    mails = []
    for member, told in waiting.items():
        mail = new_id()
        await session.run(
            insert(_TABLE).values(
                org_id=session.scope.org,
                id=mail,
                ordinal=1,
                channel="mail",
                recipient_kind="member",
                recipient_id=member,
                template="digest",
                params={"deliveries": [str(one) for one in told]},
                carrier="own",
            )
        )
        await session.run(
            update(_TABLE)
            .where(D.org_id == session.scope.org, D.id.in_(told))
            .values(status="delivered", ended_at=func.now(), result={"digest": str(mail)})
        )
        mails.append(mail)
    return mails


async def get(session: ReadSession, delivery: UUID) -> Delivery | None:
    return await session.get(Delivery, delivery)


async def read_many(session: ReadSession, deliveries: Sequence[UUID]) -> Sequence[Delivery]:
    """These deliveries, as a digest tells of them."""
    found = await session.scalars(
        select(Delivery)
        .where(Delivery.org_id == session.scope.org, Delivery.id.in_(deliveries))
        .order_by(Delivery.created_at, Delivery.number, Delivery.ordinal)
    )
    return found.all()


async def list_deliveries(
    session: ReadSession,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    execution: UUID | None = None,
) -> Sequence[Delivery]:
    """Deliveries, newest first, at most `limit`, following the (created_at, id) `after`.

    Dead letters are those of status "dead".
    """
    query = select(Delivery).where(Delivery.org_id == session.scope.org)
    if status is not None:
        query = query.where(Delivery.status == status)
    if execution is not None:
        query = query.where(Delivery.execution_id == execution)
    if after is not None:
        created_at, last = after
        query = query.where(
            or_(
                Delivery.created_at < created_at,
                and_(Delivery.created_at == created_at, Delivery.id < last),
            )
        )
    query = query.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def _end(
    session: WriteSession,
    delivery: UUID,
    fencing: int,
    status: str,
    error: str | None,
    result: dict[str, Any] | None,
) -> bool:
    made = await session.run(
        update(_TABLE)
        .where(*_ours(session, delivery, fencing))
        .values(
            status=status,
            lease_until=None,
            last_error=error,
            result=result,
            ended_at=func.clock_timestamp(),
        )
        .returning(D.id)
    )
    return made.first() is not None


def _ours(session: WriteSession, delivery: UUID, fencing: int) -> tuple[Any, ...]:
    return (
        D.org_id == session.scope.org,
        D.id == delivery,
        D.status == "claimed",
        D.fencing == fencing,
    )
