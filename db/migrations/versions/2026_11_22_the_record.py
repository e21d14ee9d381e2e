"""The record: every table, the functions behind the policies, row level security from the start.

Each table gets two policies: `tenant` for the app, and `upkeep` for the owner, as which
migrations and definer functions run (row security is forced, so the owner needs one too).
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "2026_11_22_the_record"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent / "the_record"

_OWN = "org_id = (select app.current_org())"

_INSERT_ONLY = ("answers", "audit_entries", "playbook_versions", "transitions")
_READ_ONLY = ("audit_heads",)
_WRITTEN_ONCE = ("evidence", "words")  # and deleted by an erasure
_KEPT = ("escalations", "executions", "memberships", "playbooks", "steps")  # never deleted
_FREE = (
    "absences",
    "account_statistics",
    "account_team",
    "accounts",
    "api_tokens",
    "calendars",
    "contacts",
    "deals",
    "deliveries",
    "idempotency_keys",
    "imports",
    "ladders",
    "notes",
    "notifications",
    "relay",
    "subscriptions",
    "tasks",
    "touches",
    "webhook_endpoints",
)

_GRANTS = {
    "select": _READ_ONLY,
    "select, insert": _INSERT_ONLY,
    "select, insert, delete": _WRITTEN_ONCE,
    "select, insert, update": _KEPT,
    "select, insert, update, delete": _FREE,
}


def _run(statements: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)


def _protect(table: str, tenant: str, grants: str) -> None:
    _run(
        f"alter table public.{table} enable row level security, force row level security;"
        f"create policy tenant on public.{table} to holdfast_app"
        f" using ({tenant}) with check ({tenant});"
        f"create policy upkeep on public.{table} to holdfast_owner"
        f" using (true) with check (true);"
        f"grant {grants} on public.{table} to holdfast_app;"
    )


def upgrade() -> None:
    _run((_SQL / "tables.sql").read_text(encoding="utf-8"))
    _run((_SQL / "functions.sql").read_text(encoding="utf-8"))
    for grants, tables in _GRANTS.items():
        for table in tables:
            _protect(table, _OWN, grants)
    _protect("organizations", "id = (select app.current_org())", "select, update")
    _protect(
        "users",
        "exists (select from public.memberships m"
        " where m.user_id = users.id and m.org_id = (select app.current_org()))",
        "select",
    )
    _run("grant select on public.engine_revisions to holdfast_app")
    _run("grant select on public.alembic_version to holdfast_app")
    _run("insert into public.engine_revisions (revision) values (1)")


def downgrade() -> None:
    _run("drop schema app cascade")
    for table in (
        *(table for tables in _GRANTS.values() for table in tables),
        "organizations",
        "users",
        "engine_revisions",
    ):
        _run(f"drop table public.{table} cascade")
