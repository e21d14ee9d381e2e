"""Every noun of the API, once."""

from __future__ import annotations

from api.absences.routes import router as absences
from api.accounts.routes import router as accounts
from api.audit.routes import router as audit
from api.contacts.routes import router as contacts
from api.deals.routes import router as deals
from api.deliveries.routes import router as deliveries
from api.executions.routes import router as executions
from api.facts.routes import router as facts
from api.imports.routes import router as imports
from api.inbox.routes import router as inbox
from api.members.routes import router as members
from api.notes.routes import router as notes
from api.notifications.routes import router as notifications
from api.playbooks.routes import router as playbooks
from api.statistics.routes import router as statistics
from api.steps.routes import router as steps
from api.subscriptions.routes import router as subscriptions
from api.tasks.routes import router as tasks
from api.touches.routes import router as touches
from api.webhooks.routes import router as webhooks

ROUTERS = (
    executions,
    steps,
    inbox,
    tasks,
    notes,
    touches,
    absences,
    accounts,
    statistics,
    facts,
    contacts,
    deals,
    subscriptions,
    playbooks,
    imports,
    deliveries,
    webhooks,
    audit,
    members,
    notifications,
)
