"""Every table, so that one import makes the metadata whole (migrations, drift test)."""

from __future__ import annotations

from db.models.absences import Absence
from db.models.account_statistics import AccountStatistics
from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.models.answers import Answer
from db.models.api_tokens import ApiToken
from db.models.audit_entries import AuditEntry
from db.models.audit_heads import AuditHead
from db.models.calendars import Calendar
from db.models.contacts import Contact
from db.models.deals import Deal
from db.models.deliveries import Delivery
from db.models.engine_revisions import EngineRevision
from db.models.escalations import Escalation
from db.models.evidence import Evidence
from db.models.executions import Execution
from db.models.facts import Fact
from db.models.idempotency_keys import IdempotencyKey
from db.models.imports import Import
from db.models.ladders import LadderOverride
from db.models.memberships import Membership
from db.models.notes import Note
from db.models.notifications import Notification
from db.models.organizations import Organization
from db.models.playbook_versions import PlaybookVersion
from db.models.playbooks import Playbook
from db.models.relay import RelayRow
from db.models.steps import Step
from db.models.subscriptions import Subscription
from db.models.tasks import Task
from db.models.temporal_stores import TemporalStore
from db.models.touches import Touch
from db.models.transitions import Transition
from db.models.users import User
from db.models.webhook_endpoints import WebhookEndpoint
from db.models.words import Words

TABLES = (
    Absence,
    AccountStatistics,
    AccountTeamPlace,
    Account,
    Answer,
    ApiToken,
    AuditEntry,
    AuditHead,
    Calendar,
    Contact,
    Deal,
    Delivery,
    EngineRevision,
    Escalation,
    Evidence,
    Execution,
    Fact,
    IdempotencyKey,
    Import,
    LadderOverride,
    Membership,
    Note,
    Notification,
    Organization,
    PlaybookVersion,
    Playbook,
    RelayRow,
    Step,
    Subscription,
    Task,
    TemporalStore,
    Touch,
    Transition,
    User,
    WebhookEndpoint,
    Words,
)
