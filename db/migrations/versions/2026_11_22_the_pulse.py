"""How far Temporal's store has come, so that a store that was set back is noticed.

The app role reaches it by two functions alone: the table belongs to no organization.
"""

from __future__ import annotations

from alembic import op

revision = "2026_11_22_the_pulse"
down_revision = "2026_11_22_the_record"
branch_labels = None
depends_on = None

_UP = """
create table public.temporal_stores (
    namespace text not null,
    pulse bigint not null,
    seen_at timestamptz default now() not null,
    constraint pk_temporal_stores primary key (namespace)
);

-- The pulse that a store has shown before; 0 where it has shown none.
create function app.pulse_of(wanted text) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((select t.pulse from public.temporal_stores t where t.namespace = wanted), 0)
$$;

-- Remembers a pulse; an older one than is known changes nothing.
create function app.remember_pulse(shown text, beat bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.temporal_stores as t (namespace, pulse) values (shown, beat)
    on conflict (namespace) do update
    set pulse = greatest(t.pulse, excluded.pulse), seen_at = now()
$$;

revoke execute on function app.pulse_of(text), app.remember_pulse(text, bigint) from public;
grant execute on function app.pulse_of(text), app.remember_pulse(text, bigint) to holdfast_app;
"""

_DOWN = """
drop function app.remember_pulse(text, bigint);
drop function app.pulse_of(text);
drop table public.temporal_stores;
"""


def upgrade() -> None:
    _run(_UP)


def downgrade() -> None:
    _run(_DOWN)


def _run(statements: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
