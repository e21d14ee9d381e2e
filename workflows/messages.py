"""What crosses Temporal: ids, codes, numbers and instants, no words (law 16).

Every message carries `schema_version`; fields are only added, with defaults, because a workflow
that sleeps for weeks reads what an older process wrote. Instants are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.playbook.telling import Told

LIFE_SCHEMA = 2
"""How lives that begin now behave; a life goes on as it began.

1: the timer restarts only when the deadline moves earlier. 2: whenever it moves, so that none
fires for a deadline that is gone, which costs five events instead of two (docs/adr/0009).
"""


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery still to be made; not before `not_before`, where that is set."""

    id: str
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExecutionInput:
    """How a life begins, or goes on after continue-as-new.

    `known` is the number of the last transition known, -1 where nothing is known yet and all of it
    has to be loaded. `digests` holds those of the newest known transitions. `told` are the
    transitions that a first start already brings, so that the history names each of them.
    `continue_after` lowers the count of history events after which the life continues as new;
    None leaves it to the server.
    """

    org: str
    execution: str
    playbook: str
    schema_version: int = 1
    known: int = -1
    digests: dict[int, str] | None = None
    next_deadline: datetime | None = None
    pending: tuple[PendingDelivery, ...] = ()
    ended: bool = False
    continue_after: int | None = None
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutionClosed:
    """What a life returns: the number of its last transition."""

    number: int
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class News:
    """The signal `transition`: transitions of one execution; `reload` asks to load them all."""

    told: tuple[Told, ...]
    schema_version: int = 1
    reload: bool = False


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """Settle what is due, and tell what came after `known`. `asked_at` is the workflow's clock."""

    org: str
    execution: str
    known: int
    asked_at: datetime
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DeliverRequest:
    """Carry out these deliveries. `execution` is None for a delivery with a workflow of its own."""

    org: str
    execution: str | None
    deliveries: tuple[str, ...]
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of deliveries: `done` for good, delivered or dead; `waiting` for another try.

    `changed` tells that a result was applied to the execution, which has to be settled again.
    """

    done: tuple[str, ...]
    waiting: tuple[PendingDelivery, ...] = ()
    changed: bool = False
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DeliveryInput:
    """The life of deliveries that no execution's workflow carries, as for a redelivery."""

    org: str
    deliveries: tuple[PendingDelivery, ...]
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """One round of daily digests of an organization."""

    org: str
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class DigestReport:
    """The mails that a round of digests made, still to be carried out."""

    deliveries: tuple[str, ...]
    schema_version: int = 1
