"""Facts: append-only, one per source and external id, corrected by facts of their own."""

from __future__ import annotations

from alembic import op

revision = "2026_11_22_the_facts"
down_revision = "2026_11_22_entering"
branch_labels = None
depends_on = None

_UP = """
create table public.facts (
    org_id uuid not null,
    id uuid not null,
    account_id uuid not null,
    contact_id uuid,
    kind text not null,
    source text not null,
    external_id text not null,
    happened_at timestamptz not null,
    recorded_at timestamptz default now() not null,
    known_at timestamptz not null,
    content jsonb default '{}'::jsonb not null,
    digest bytea not null,
    corrects uuid,
    constraint pk_facts primary key (org_id, id),
    constraint fk_facts_org_id_account_id
        foreign key (org_id, account_id) references public.accounts (org_id, id),
    constraint fk_facts_org_id_contact_id
        foreign key (org_id, contact_id) references public.contacts (org_id, id),
    constraint fk_facts_org_id_corrects
        foreign key (org_id, corrects) references public.facts (org_id, id),
    constraint uq_facts_org_id_corrects unique (org_id, corrects),
    constraint ck_facts_corrects_another check (corrects <> id)
);

create unique index uq_facts_org_id_source_external_id
    on public.facts (org_id, source, external_id) where corrects is null;
-- a correction is found by its external id too
create index ix_facts_org_id_source_external_id
    on public.facts (org_id, source, external_id);
create index ix_facts_org_id_account_id_kind
    on public.facts (org_id, account_id, kind, happened_at);

alter table public.facts enable row level security, force row level security;
create policy tenant on public.facts to holdfast_app
    using (org_id = (select app.current_org())) with check (org_id = (select app.current_org()));
create policy upkeep on public.facts to holdfast_owner using (true) with check (true);
grant select, insert on public.facts to holdfast_app;
"""


def upgrade() -> None:
    _run(_UP)


def downgrade() -> None:
    _run("drop table public.facts")


def _run(statements: str) -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
