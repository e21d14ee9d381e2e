-- Every table of the record, as of 2026-11-22. Names of constraints follow db/models/base.py.

CREATE TABLE engine_revisions (
    revision INTEGER NOT NULL,
    activated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_engine_revisions PRIMARY KEY (revision)
);

CREATE TABLE organizations (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT DEFAULT 'UTC' NOT NULL,
    country TEXT,
    demo BOOLEAN DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_organizations PRIMARY KEY (id)
);

CREATE TABLE users (
    id UUID NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_users_email ON users (lower(email));

CREATE TABLE accounts (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    external_id TEXT,
    name TEXT NOT NULL,
    stage TEXT DEFAULT 'customer' NOT NULL,
    tier TEXT,
    plan TEXT,
    seats INTEGER,
    arr_cents BIGINT,
    currency TEXT,
    renewal_date DATE,
    industry TEXT,
    country TEXT,
    customer_since DATE,
    attributes JSONB DEFAULT '{}'::jsonb NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (org_id, id),
    CONSTRAINT uq_accounts_org_id_external_id UNIQUE (org_id, external_id),
    CONSTRAINT fk_accounts_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_accounts_org_id_name ON accounts (org_id, name, id);

CREATE INDEX ix_accounts_org_id_renewal_date ON accounts (org_id, renewal_date);

CREATE TABLE audit_entries (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    actor_id UUID,
    on_behalf_of UUID,
    action TEXT NOT NULL,
    outcome TEXT DEFAULT 'done' NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    reason_id UUID,
    reason_code TEXT,
    seen JSONB,
    data JSONB,
    seq BIGINT,
    prev_hash BYTEA,
    hash BYTEA,
    CONSTRAINT pk_audit_entries PRIMARY KEY (org_id, id),
    CONSTRAINT fk_audit_entries_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_audit_entries_object ON audit_entries (org_id, object_kind, object_id, at);

CREATE INDEX ix_audit_entries_org_id_at ON audit_entries (org_id, at, id);

CREATE INDEX ix_audit_entries_unsealed ON audit_entries (org_id, recorded_at, id) WHERE seq is null;

CREATE UNIQUE INDEX uq_audit_entries_org_id_seq ON audit_entries (org_id, seq);

CREATE TABLE audit_heads (
    org_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    sealed_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_heads PRIMARY KEY (org_id),
    CONSTRAINT fk_audit_heads_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE TABLE calendars (
    org_id UUID NOT NULL,
    key TEXT NOT NULL,
    is_default BOOLEAN DEFAULT false NOT NULL,
    timezone TEXT NOT NULL,
    hours JSONB NOT NULL,
    country TEXT,
    subdivision TEXT,
    holidays JSONB DEFAULT '[]'::jsonb NOT NULL,
    workdays JSONB DEFAULT '[]'::jsonb NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_calendars PRIMARY KEY (org_id, key),
    CONSTRAINT fk_calendars_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE UNIQUE INDEX uq_calendars_one_default ON calendars (org_id) WHERE is_default;

CREATE TABLE idempotency_keys (
    org_id UUID NOT NULL,
    principal_id UUID NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest TEXT NOT NULL,
    status INTEGER NOT NULL,
    response JSONB,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (org_id, principal_id, route, key),
    CONSTRAINT fk_idempotency_keys_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_idempotency_keys_org_id_created_at ON idempotency_keys (org_id, created_at);

CREATE TABLE ladders (
    org_id UUID NOT NULL,
    key TEXT NOT NULL,
    playbook_key TEXT DEFAULT '' NOT NULL,
    ladder JSONB NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_ladders PRIMARY KEY (org_id, key, playbook_key),
    CONSTRAINT fk_ladders_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE TABLE memberships (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    user_id UUID,
    roles TEXT[] DEFAULT '{}'::text[] NOT NULL,
    manager_id UUID,
    active BOOLEAN DEFAULT true NOT NULL,
    service BOOLEAN DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (org_id, id),
    CONSTRAINT fk_memberships_org_id_manager_id FOREIGN KEY(org_id, manager_id) REFERENCES memberships (org_id, id),
    CONSTRAINT uq_memberships_org_id_user_id UNIQUE (org_id, user_id),
    CONSTRAINT ck_memberships_has_person CHECK (service or user_id is not null),
    CONSTRAINT fk_memberships_org_id FOREIGN KEY(org_id) REFERENCES organizations (id),
    CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE UNIQUE INDEX ix_memberships_one_service ON memberships (org_id) WHERE service;

CREATE TABLE playbooks (
    org_id UUID NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled BOOLEAN DEFAULT false NOT NULL,
    enabled_version INTEGER,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_playbooks PRIMARY KEY (org_id, key),
    CONSTRAINT fk_playbooks_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE TABLE webhook_endpoints (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    events TEXT[] DEFAULT '{}'::text[] NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    inactive_reason TEXT,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (org_id, id),
    CONSTRAINT fk_webhook_endpoints_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE TABLE absences (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    delegate_id UUID NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    cancelled_at timestamptz,
    CONSTRAINT pk_absences PRIMARY KEY (org_id, id),
    CONSTRAINT fk_absences_org_id_member_id FOREIGN KEY(org_id, member_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_absences_org_id_delegate_id FOREIGN KEY(org_id, delegate_id) REFERENCES memberships (org_id, id),
    CONSTRAINT ck_absences_in_order CHECK (starts_at < ends_at),
    CONSTRAINT ck_absences_another CHECK (member_id <> delegate_id)
);

CREATE INDEX ix_absences_org_id_member_id ON absences (org_id, member_id, ends_at);

CREATE TABLE account_statistics (
    org_id UUID NOT NULL,
    account_id UUID NOT NULL,
    version BIGINT DEFAULT 0 NOT NULL,
    fields JSONB DEFAULT '{}'::jsonb NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_account_statistics PRIMARY KEY (org_id, account_id),
    CONSTRAINT fk_account_statistics_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id)
);

CREATE TABLE account_team (
    org_id UUID NOT NULL,
    account_id UUID NOT NULL,
    role TEXT NOT NULL,
    member_id UUID NOT NULL,
    since timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_account_team PRIMARY KEY (org_id, account_id, role),
    CONSTRAINT fk_account_team_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_account_team_org_id_member_id FOREIGN KEY(org_id, member_id) REFERENCES memberships (org_id, id)
);

CREATE INDEX ix_account_team_org_id_member_id ON account_team (org_id, member_id);

CREATE TABLE api_tokens (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    scopes TEXT[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT pk_api_tokens PRIMARY KEY (org_id, id),
    CONSTRAINT fk_api_tokens_org_id_member_id FOREIGN KEY(org_id, member_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_api_tokens_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_api_tokens_org_id_member_id ON api_tokens (org_id, member_id);

CREATE INDEX ix_api_tokens_sha256 ON api_tokens (sha256);

CREATE TABLE contacts (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    external_id TEXT,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    title TEXT,
    kind TEXT DEFAULT 'end_user' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_contacts PRIMARY KEY (org_id, id),
    CONSTRAINT fk_contacts_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT uq_contacts_org_id_external_id UNIQUE (org_id, external_id),
    CONSTRAINT ck_contacts_kind CHECK (kind in ('decision_maker', 'influencer', 'champion', 'end_user'))
);

CREATE INDEX ix_contacts_org_id_account_id ON contacts (org_id, account_id);

CREATE TABLE deals (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    owner_id UUID,
    external_id TEXT,
    name TEXT NOT NULL,
    stage TEXT NOT NULL,
    amount_cents BIGINT,
    currency TEXT,
    closes_on DATE,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_deals PRIMARY KEY (org_id, id),
    CONSTRAINT fk_deals_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_deals_org_id_owner_id FOREIGN KEY(org_id, owner_id) REFERENCES memberships (org_id, id),
    CONSTRAINT uq_deals_org_id_external_id UNIQUE (org_id, external_id)
);

CREATE INDEX ix_deals_org_id_account_id ON deals (org_id, account_id);

CREATE TABLE imports (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    mapping JSONB DEFAULT '{}'::jsonb NOT NULL,
    status TEXT NOT NULL,
    total INTEGER DEFAULT 0 NOT NULL,
    created INTEGER DEFAULT 0 NOT NULL,
    updated INTEGER DEFAULT 0 NOT NULL,
    unchanged INTEGER DEFAULT 0 NOT NULL,
    faults JSONB DEFAULT '[]'::jsonb NOT NULL,
    started_by UUID,
    created_at timestamptz DEFAULT now() NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_imports PRIMARY KEY (org_id, id),
    CONSTRAINT fk_imports_org_id_started_by FOREIGN KEY(org_id, started_by) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_imports_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_imports_org_id_created_at ON imports (org_id, created_at, id);

CREATE TABLE playbook_versions (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    playbook_key TEXT NOT NULL,
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    definition JSONB NOT NULL,
    content_hash TEXT NOT NULL,
    engine INTEGER NOT NULL,
    published_by UUID NOT NULL,
    published_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_playbook_versions PRIMARY KEY (org_id, id),
    CONSTRAINT fk_playbook_versions_org_id_playbook_key FOREIGN KEY(org_id, playbook_key) REFERENCES playbooks (org_id, key),
    CONSTRAINT fk_playbook_versions_org_id_published_by FOREIGN KEY(org_id, published_by) REFERENCES memberships (org_id, id),
    CONSTRAINT uq_playbook_versions_org_id_playbook_key_number UNIQUE (org_id, playbook_key, number),
    CONSTRAINT uq_playbook_versions_org_id_playbook_key_content_hash UNIQUE (org_id, playbook_key, content_hash)
);

CREATE TABLE subscriptions (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    external_id TEXT,
    plan TEXT,
    status TEXT DEFAULT 'active' NOT NULL,
    seats INTEGER,
    limits JSONB DEFAULT '{}'::jsonb NOT NULL,
    mrr_cents BIGINT,
    arr_cents BIGINT,
    currency TEXT,
    billing TEXT,
    auto_renew BOOLEAN,
    starts_on DATE,
    ends_on DATE,
    renews_on DATE,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_subscriptions PRIMARY KEY (org_id, id),
    CONSTRAINT fk_subscriptions_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT uq_subscriptions_org_id_external_id UNIQUE (org_id, external_id)
);

CREATE INDEX ix_subscriptions_org_id_account_id ON subscriptions (org_id, account_id);

CREATE TABLE executions (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    playbook_key TEXT NOT NULL,
    version_id UUID NOT NULL,
    content_hash TEXT NOT NULL,
    engine INTEGER NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    account_id UUID,
    contact_id UUID,
    concurrency_value TEXT DEFAULT '' NOT NULL,
    status TEXT NOT NULL,
    state JSONB NOT NULL,
    number INTEGER NOT NULL,
    started_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    next_deadline timestamptz,
    outcome TEXT,
    outcome_code TEXT,
    ended_at timestamptz,
    started_by UUID,
    cause TEXT NOT NULL,
    CONSTRAINT pk_executions PRIMARY KEY (org_id, id),
    CONSTRAINT fk_executions_org_id_version_id FOREIGN KEY(org_id, version_id) REFERENCES playbook_versions (org_id, id),
    CONSTRAINT fk_executions_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_executions_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_executions_org_id_started_by FOREIGN KEY(org_id, started_by) REFERENCES memberships (org_id, id),
    CONSTRAINT ck_executions_status CHECK (status in ('running', 'paused', 'ended')),
    CONSTRAINT ck_executions_subject_kind CHECK (subject_kind in ('account', 'contact', 'team', 'organization'))
);

CREATE INDEX ix_executions_next_deadline ON executions (org_id, next_deadline) WHERE status = 'running' and next_deadline is not null;

CREATE INDEX ix_executions_org_id_account_id ON executions (org_id, account_id, started_at);

CREATE INDEX ix_executions_org_id_started_at ON executions (org_id, started_at, id);

CREATE UNIQUE INDEX uq_executions_one_open ON executions (org_id, subject_kind, subject_id, playbook_key, concurrency_value) WHERE status <> 'ended';

CREATE TABLE words (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID,
    contact_id UUID,
    author_id UUID,
    purpose TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_words PRIMARY KEY (org_id, id),
    CONSTRAINT fk_words_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_words_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_words_org_id_author_id FOREIGN KEY(org_id, author_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_words_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_words_org_id_account_id ON words (org_id, account_id);

CREATE TABLE answers (
    org_id UUID NOT NULL,
    execution_id UUID NOT NULL,
    event_id TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    answer JSONB NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_answers PRIMARY KEY (org_id, execution_id, event_id),
    CONSTRAINT fk_answers_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id)
);

CREATE TABLE deliveries (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    execution_id UUID,
    number INTEGER,
    ordinal INTEGER NOT NULL,
    step TEXT,
    occurrence INTEGER,
    channel TEXT NOT NULL,
    recipient_kind TEXT NOT NULL,
    recipient_id UUID,
    template TEXT NOT NULL,
    params JSONB DEFAULT '{}'::jsonb NOT NULL,
    urgent BOOLEAN DEFAULT false NOT NULL,
    carrier TEXT DEFAULT 'workflow' NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    not_before timestamptz,
    attempts INTEGER DEFAULT 0 NOT NULL,
    fencing INTEGER DEFAULT 0 NOT NULL,
    lease_until timestamptz,
    last_error TEXT,
    result JSONB,
    created_at timestamptz DEFAULT now() NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_deliveries PRIMARY KEY (org_id, id),
    CONSTRAINT fk_deliveries_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id),
    CONSTRAINT uq_deliveries_org_id_execution_id_number_ordinal UNIQUE (org_id, execution_id, number, ordinal),
    CONSTRAINT ck_deliveries_carrier CHECK (carrier in ('workflow', 'digest', 'own')),
    CONSTRAINT ck_deliveries_status CHECK (status in ('pending', 'claimed', 'delivered', 'dead', 'withdrawn')),
    CONSTRAINT fk_deliveries_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_deliveries_digest ON deliveries (org_id, recipient_id, not_before) WHERE carrier = 'digest' and status in ('pending', 'claimed');

CREATE INDEX ix_deliveries_status ON deliveries (org_id, status, created_at, id);

CREATE INDEX ix_deliveries_unfinished ON deliveries (org_id, execution_id) WHERE status in ('pending', 'claimed');

CREATE TABLE escalations (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    execution_id UUID NOT NULL,
    number INTEGER NOT NULL,
    step TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    level INTEGER NOT NULL,
    due_at timestamptz NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    late BOOLEAN NOT NULL,
    tell JSONB DEFAULT '[]'::jsonb NOT NULL,
    took_over_id UUID,
    acknowledged_by UUID,
    acknowledged_at timestamptz,
    CONSTRAINT pk_escalations PRIMARY KEY (org_id, id),
    CONSTRAINT fk_escalations_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id),
    CONSTRAINT fk_escalations_org_id_acknowledged_by FOREIGN KEY(org_id, acknowledged_by) REFERENCES memberships (org_id, id),
    CONSTRAINT uq_escalations_org_id_execution_id_number_step_occurrence_level UNIQUE (org_id, execution_id, number, step, occurrence, level)
);

CREATE INDEX ix_escalations_open ON escalations (org_id, recorded_at) WHERE acknowledged_at is null;

CREATE TABLE evidence (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    execution_id UUID NOT NULL,
    step TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    field TEXT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    account_id UUID,
    contact_id UUID,
    author_id UUID,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_evidence PRIMARY KEY (org_id, id),
    CONSTRAINT fk_evidence_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id),
    CONSTRAINT fk_evidence_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_evidence_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_evidence_org_id_author_id FOREIGN KEY(org_id, author_id) REFERENCES memberships (org_id, id)
);

CREATE INDEX ix_evidence_org_id_account_id ON evidence (org_id, account_id);

CREATE INDEX ix_evidence_org_id_execution_id ON evidence (org_id, execution_id, step, occurrence);

CREATE TABLE notes (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID,
    contact_id UUID,
    author_id UUID NOT NULL,
    words_id UUID NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_notes PRIMARY KEY (org_id, id),
    CONSTRAINT fk_notes_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_notes_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_notes_org_id_author_id FOREIGN KEY(org_id, author_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_notes_org_id_words_id FOREIGN KEY(org_id, words_id) REFERENCES words (org_id, id),
    CONSTRAINT fk_notes_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_notes_org_id_account_id ON notes (org_id, account_id, created_at);

CREATE TABLE notifications (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id UUID NOT NULL,
    code TEXT NOT NULL,
    execution_id UUID,
    account_id UUID,
    number INTEGER,
    step TEXT,
    occurrence INTEGER,
    params JSONB DEFAULT '{}'::jsonb NOT NULL,
    urgent BOOLEAN DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    read_at timestamptz,
    CONSTRAINT pk_notifications PRIMARY KEY (org_id, id),
    CONSTRAINT fk_notifications_org_id_member_id FOREIGN KEY(org_id, member_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_notifications_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id)
);

CREATE INDEX ix_notifications_org_id_member_id ON notifications (org_id, member_id, created_at, id);

CREATE TABLE relay (
    org_id UUID NOT NULL,
    execution_id UUID NOT NULL,
    number INTEGER NOT NULL,
    bulk BOOLEAN DEFAULT false NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    lease_until timestamptz,
    attempts INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_relay PRIMARY KEY (org_id, execution_id, number),
    CONSTRAINT fk_relay_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id)
);

CREATE INDEX ix_relay_order ON relay (bulk, created_at);

CREATE TABLE steps (
    org_id UUID NOT NULL,
    execution_id UUID NOT NULL,
    step TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    execution_status TEXT NOT NULL,
    playbook_key TEXT NOT NULL,
    playbook_name TEXT NOT NULL,
    account_id UUID,
    contact_id UUID,
    phase TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    required BOOLEAN NOT NULL,
    urgent BOOLEAN NOT NULL,
    priority INTEGER NOT NULL,
    owner TEXT NOT NULL,
    approver TEXT,
    hand_off_to TEXT,
    assignee_id UUID,
    opens_at timestamptz,
    opened_at timestamptz,
    due_at timestamptz,
    first_due_at timestamptz,
    closed_at timestamptz,
    occurred_at timestamptz,
    breached_at timestamptz,
    snoozed_until timestamptz,
    waiting_since timestamptz,
    waiting_reason TEXT,
    follow_up_at timestamptz,
    waited INTEGER DEFAULT 0 NOT NULL,
    level INTEGER DEFAULT 0 NOT NULL,
    acknowledged_level INTEGER DEFAULT 0 NOT NULL,
    waiver_requested_by UUID,
    waiver_requested_at timestamptz,
    choice TEXT,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_steps PRIMARY KEY (org_id, execution_id, step, occurrence),
    CONSTRAINT fk_steps_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id),
    CONSTRAINT fk_steps_org_id_assignee_id FOREIGN KEY(org_id, assignee_id) REFERENCES memberships (org_id, id)
);

CREATE INDEX ix_steps_inbox ON steps (org_id, assignee_id, due_at, execution_id, step, occurrence) WHERE closed_at is null and opened_at is not null;

CREATE INDEX ix_steps_open ON steps (org_id, due_at, execution_id, step, occurrence) WHERE closed_at is null and opened_at is not null;

CREATE INDEX ix_steps_org_id_account_id ON steps (org_id, account_id, opened_at);

CREATE TABLE tasks (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID,
    contact_id UUID,
    assignee_id UUID NOT NULL,
    created_by UUID NOT NULL,
    title_id UUID NOT NULL,
    status TEXT DEFAULT 'open' NOT NULL,
    priority INTEGER DEFAULT 2 NOT NULL,
    due_at timestamptz,
    snoozed_until timestamptz,
    closed_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_tasks PRIMARY KEY (org_id, id),
    CONSTRAINT fk_tasks_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_tasks_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_tasks_org_id_assignee_id FOREIGN KEY(org_id, assignee_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_tasks_org_id_created_by FOREIGN KEY(org_id, created_by) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_tasks_org_id_title_id FOREIGN KEY(org_id, title_id) REFERENCES words (org_id, id),
    CONSTRAINT ck_tasks_status CHECK (status in ('open', 'done', 'dropped')),
    CONSTRAINT fk_tasks_org_id FOREIGN KEY(org_id) REFERENCES organizations (id)
);

CREATE INDEX ix_tasks_inbox ON tasks (org_id, assignee_id, due_at) WHERE status = 'open';

CREATE INDEX ix_tasks_org_id_account_id ON tasks (org_id, account_id);

CREATE TABLE touches (
    org_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    contact_id UUID,
    member_id UUID,
    words_id UUID,
    external_id TEXT,
    kind TEXT NOT NULL,
    two_way BOOLEAN DEFAULT true NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_touches PRIMARY KEY (org_id, id),
    CONSTRAINT fk_touches_org_id_account_id FOREIGN KEY(org_id, account_id) REFERENCES accounts (org_id, id),
    CONSTRAINT fk_touches_org_id_contact_id FOREIGN KEY(org_id, contact_id) REFERENCES contacts (org_id, id),
    CONSTRAINT fk_touches_org_id_member_id FOREIGN KEY(org_id, member_id) REFERENCES memberships (org_id, id),
    CONSTRAINT fk_touches_org_id_words_id FOREIGN KEY(org_id, words_id) REFERENCES words (org_id, id),
    CONSTRAINT uq_touches_org_id_external_id UNIQUE (org_id, external_id),
    CONSTRAINT ck_touches_kind CHECK (kind in ('meeting', 'call', 'mail'))
);

CREATE INDEX ix_touches_org_id_account_id ON touches (org_id, account_id, occurred_at);

CREATE TABLE transitions (
    org_id UUID NOT NULL,
    execution_id UUID NOT NULL,
    number INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    event JSONB NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    late BOOLEAN NOT NULL,
    commands JSONB NOT NULL,
    digest TEXT NOT NULL,
    actor_id UUID,
    on_behalf_of UUID,
    reason_code TEXT,
    next_deadline timestamptz,
    ended BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_transitions PRIMARY KEY (org_id, execution_id, number),
    CONSTRAINT fk_transitions_org_id_execution_id FOREIGN KEY(org_id, execution_id) REFERENCES executions (org_id, id),
    CONSTRAINT uq_transitions_org_id_execution_id_event_id UNIQUE (org_id, execution_id, event_id)
);
