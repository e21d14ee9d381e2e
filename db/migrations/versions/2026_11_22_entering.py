"""Who bears a token and the scope of the transaction, in one step.

`app.resolve_token` writes when a token was last used, which a transaction that only reads cannot
and one that lasts must not hold for others; so entering reads alone and says when that is due.
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_22_entering"
down_revision = "2026_11_22_the_pulse"
branch_labels = None
depends_on = None

_UP = """
-- Sets the scope of this transaction to the token's; no row, and no scope, where it is not valid.
-- `unseen`: its last use was noted a minute ago or longer.
create function app.enter(digest bytea)
returns table (
    token_id uuid, org_id uuid, member_id uuid, roles text[], scopes text[], unseen boolean
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    select t.id, t.org_id, t.member_id, m.roles, t.scopes,
           t.last_used_at is null or t.last_used_at < now() - interval '1 minute'
    into token_id, org_id, member_id, roles, scopes, unseen
    from public.api_tokens t
    join public.memberships m on m.org_id = t.org_id and m.id = t.member_id
    where t.sha256 = digest and m.active and t.revoked_at is null
      and (t.expires_at is null or t.expires_at > now());
    if found then
        perform set_config('app.org', org_id::text, true),
                set_config('app.member', member_id::text, true);
        return next;
    end if;
end $$;

revoke execute on function app.enter(bytea) from public;
grant execute on function app.enter(bytea) to holdfast_app;
"""


def upgrade() -> None:
    _run(_UP)


def downgrade() -> None:
    _run("drop function app.enter(bytea)")


def _run(statements: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
