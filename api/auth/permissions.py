"""Who may do what: one table, default deny. The machine adds what a single step demands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from domain.playbook.definition import Role


class Permission(StrEnum):
    """One kind of request, named as it is refused."""

    read = "read"
    start_executions = "start_executions"
    steer_executions = "steer_executions"  # pause, resume, cancel
    migrate_executions = "migrate_executions"  # to another version
    work_steps = "work_steps"  # all commands on steps; the machine checks the step's own roles
    write_records = "write_records"  # tasks, notes, touches, own absences
    write_absences = "write_absences"  # of other members
    write_accounts = "write_accounts"
    write_contacts = "write_contacts"
    write_deals = "write_deals"
    change_teams = "change_teams"
    write_statistics = "write_statistics"
    write_playbooks = "write_playbooks"  # publish, enable, disable
    import_files = "import_files"
    read_deliveries = "read_deliveries"
    redeliver = "redeliver"
    manage_webhooks = "manage_webhooks"
    read_audit = "read_audit"


_EVERYONE = frozenset(Role)
_WORKING = _EVERYONE - {Role.auditor}
_LEADING = frozenset({Role.director, Role.executive, Role.ops, Role.admin})
_OWNING = _LEADING | {Role.csm, Role.account_manager}
_RUNNING = frozenset({Role.ops, Role.admin})

ALLOWED: dict[Permission, frozenset[Role]] = {
    Permission.read: _EVERYONE,
    Permission.start_executions: _OWNING,
    Permission.steer_executions: _OWNING,
    Permission.migrate_executions: _RUNNING | {Role.director},
    Permission.work_steps: _WORKING,
    Permission.write_records: _WORKING,
    Permission.write_absences: _LEADING,
    Permission.write_accounts: _OWNING,
    Permission.write_contacts: _OWNING | {Role.support, Role.marketing},
    Permission.write_deals: _OWNING | {Role.finance},
    Permission.change_teams: _LEADING,
    Permission.write_statistics: _RUNNING,
    Permission.write_playbooks: _RUNNING,
    Permission.import_files: _RUNNING,
    Permission.read_deliveries: _RUNNING | {Role.auditor},
    Permission.redeliver: _RUNNING,
    Permission.manage_webhooks: _RUNNING,
    Permission.read_audit: _RUNNING | {Role.auditor, Role.director},
}


def may(roles: tuple[Role, ...], permission: Permission) -> bool:
    """Whether any of the roles is allowed this; a permission without a row is allowed to nobody."""
    return not ALLOWED.get(permission, frozenset()).isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Guarding:
    """What an endpoint is marked with.

    `writes`: False for a POST that changes nothing. `kept_by_engine`: its event's id comes from
    the Idempotency-Key, so the answer that the engine keeps under that id serves.
    """

    permission: Permission
    writes: bool = True
    kept_by_engine: bool = False


_MARK = "holdfast_guarding"
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])


def needs(
    permission: Permission, *, writes: bool = True, kept_by_engine: bool = False
) -> Callable[[_Endpoint], _Endpoint]:
    """Marks an endpoint with what it needs; one without a mark cannot be mounted."""

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _MARK, Guarding(permission, writes, kept_by_engine))
        return endpoint

    return mark


def guarding_of(endpoint: Callable[..., object]) -> Guarding:
    """The mark of an endpoint. Raises LookupError where it has none."""
    guarding = getattr(endpoint, _MARK, None)
    if not isinstance(guarding, Guarding):
        raise LookupError(f"{endpoint!r} names no permission; mark it with @needs(...)")
    return guarding
