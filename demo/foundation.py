"""What stands before any playbook runs: members, calendar, customers, what people did and noted.

Rows of the past carry the instants at which they would have been made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from db.models.absences import Absence
from db.models.account_statistics import AccountStatistics
from db.models.account_team import AccountTeamPlace
from db.models.accounts import Account
from db.models.base import Base
from db.models.calendars import Calendar
from db.models.contacts import Contact
from db.models.deals import Deal
from db.models.memberships import Membership
from db.models.notes import Note
from db.models.subscriptions import Subscription
from db.models.tasks import Task
from db.models.touches import Touch
from db.models.words import Words
from db.sessions import WriteSession
from demo import company, phrases
from demo.identity import dated, fixed, pick, share
from demo.portfolio import CUSTOMERS, Customer
from demo.standing import Fields, fields_of

_CLOSING_STAGES = ("discovery", "proposal", "negotiation")


_ORDER: tuple[type[Base], ...] = (
    Membership,
    Calendar,
    Account,
    AccountTeamPlace,
    AccountStatistics,
    Contact,
    Deal,
    Subscription,
    Words,
    Absence,
    Note,
    Task,
    Touch,
)
"""What others refer to comes first."""

Rows = list[Base]


async def lay(
    session: WriteSession, now: datetime, users: Mapping[str, UUID], before: Mapping[str, Fields]
) -> None:
    """Write every row; `users` by key of colleague, `before` what stories lay over the fields."""
    rows: Rows = []
    _members(rows, users)
    _calendar(rows)
    for customer in CUSTOMERS:
        _account(rows, customer, now)
        last = _touches(rows, customer, now)
        _notes(rows, customer, now)
        known = {**fields_of(customer, now, last), **before.get(customer.key, {})}
        rows.append(
            AccountStatistics(
                org_id=company.ORGANIZATION, account_id=customer.id, version=1, fields=known
            )
        )
    _tasks(rows, now)
    _absence(rows, now)
    for model in _ORDER:
        session.add(*(row for row in rows if type(row) is model))
        await session.flush()


def _members(rows: Rows, users: Mapping[str, UUID]) -> None:
    rows.extend(
        (
            *(
                Membership(
                    org_id=company.ORGANIZATION,
                    id=one.id,
                    user_id=users[one.key],
                    roles=[one.role.value],
                    manager_id=company.BY_KEY[one.manager].id if one.manager else None,
                )
                for one in company.COLLEAGUES
            ),
        )
    )


def _calendar(rows: Rows) -> None:
    hours = [
        {"weekday": weekday, "opens": company.OPENS, "closes": company.CLOSES}
        for weekday in range(5)
    ]
    rows.extend(
        (
            Calendar(
                org_id=company.ORGANIZATION,
                key=company.CALENDAR,
                is_default=True,
                timezone=company.TIMEZONE,
                hours=hours,
                country=company.COUNTRY,
            ),
        )
    )


def _account(rows: Rows, customer: Customer, now: datetime) -> None:
    org = company.ORGANIZATION
    renewal = (now + timedelta(days=customer.renewal)).date()
    since = (now - timedelta(days=customer.since)).date() if customer.since else None
    rows.extend(
        (
            Account(
                org_id=org,
                id=customer.id,
                external_id=f"demo-{customer.key}",
                name=customer.name,
                stage=customer.stage,
                tier=customer.tier,
                plan=customer.plan,
                seats=customer.seats,
                arr_cents=customer.arr * 100,
                currency="EUR",
                renewal_date=renewal if customer.since else None,
                industry=customer.industry,
                country=customer.country,
                customer_since=since,
            ),
            *(
                AccountTeamPlace(
                    org_id=org, account_id=customer.id, role=one.role.value, member_id=one.id
                )
                for one in map(company.BY_KEY.get, (customer.csm, customer.manager, "jonas"))
                if one is not None
            ),
        )
    )
    _contacts(rows, customer)
    if since is None:
        rows.extend((_deal(customer, "New business", "proposal", customer.seats * 600, now, 35),))
        return
    rows.extend(
        (
            Subscription(
                org_id=org,
                id=fixed("subscription", customer.key),
                account_id=customer.id,
                external_id=f"demo-sub-{customer.key}",
                plan=customer.plan,
                status="ended" if customer.stage == "churned" else "active",
                seats=customer.seats,
                limits={"seats": customer.seats, "sites": 2 + customer.seats // 60},
                mrr_cents=customer.arr * 100 // 12,
                arr_cents=customer.arr * 100,
                currency="EUR",
                billing="yearly",
                auto_renew=customer.tier != "high_value",
                starts_on=since,
                renews_on=renewal,
            ),
            _deal(customer, "First contract", "won", customer.arr, now, -customer.since),
        )
    )
    if customer.limit >= 80 or customer.renewal in range(1, 100):
        name = "Upgrade" if customer.limit >= 80 else "Renewal"
        stage = pick(_CLOSING_STAGES, customer.key, "deal stage")
        amount = customer.arr // 4 if name == "Upgrade" else customer.arr
        rows.extend((_deal(customer, name, stage, amount, now, max(20, customer.renewal)),))


def _deal(customer: Customer, name: str, stage: str, euros: int, now: datetime, days: int) -> Deal:
    return Deal(
        org_id=company.ORGANIZATION,
        id=fixed("deal", customer.key, name),
        account_id=customer.id,
        owner_id=company.BY_KEY[customer.manager].id,
        external_id=f"demo-deal-{customer.key}-{name.split()[0].lower()}",
        name=f"{name} {customer.name}",
        stage=stage,
        amount_cents=euros * 100,
        currency="EUR",
        closes_on=(now + timedelta(days=days)).date(),
    )


def _contacts(rows: Rows, customer: Customer) -> None:
    count = {"high_value": 4, "growth": 3}.get(customer.tier, 1 + customer.seats % 2)
    for number in range(1, count + 1):
        kind, title = phrases.POSITIONS[number - 1]
        first = pick(phrases.FIRST_NAMES, customer.key, str(number), "first")
        last = pick(phrases.LAST_NAMES, customer.key, str(number), "last")
        rows.extend(
            (
                Contact(
                    org_id=company.ORGANIZATION,
                    id=customer.contact(number),
                    account_id=customer.id,
                    external_id=f"demo-{customer.key}-{number}",
                    name=f"{first} {last}",
                    email=f"contact{number}@{customer.key}.example",
                    title=title,
                    kind=kind,
                ),
            )
        )


def _words(
    at: datetime, purpose: str, body: str, author: UUID, account: UUID | None, *names: str
) -> Words:
    return Words(
        org_id=company.ORGANIZATION,
        id=dated(at, "words", purpose, *names),
        account_id=account,
        author_id=author,
        purpose=purpose,
        body=body,
        created_at=at,
    )


def _touches(rows: Rows, customer: Customer, now: datetime) -> datetime | None:
    """Touches of the last months; the instant of the last one."""
    every = {"high_value": 12, "growth": 21}.get(customer.tier, 35)
    quiet = 8 + int(30 * share(customer.key, "quiet")) if customer.score < 85 else 4
    at, last = now - timedelta(days=quiet), None
    csm = company.BY_KEY[customer.csm].id
    while at > now - timedelta(days=120):
        at = _in_office_hours(at, customer.key, str(at.date()))
        name = (customer.key, at.date().isoformat())
        kind = pick(("call", "call", "meeting", "mail"), *name)
        said = _words(at, "touch", pick(phrases.TOUCHES, *name), csm, customer.id, *name)
        rows.extend(
            (
                said,
                Touch(
                    org_id=company.ORGANIZATION,
                    id=dated(at, "touch", *name),
                    account_id=customer.id,
                    contact_id=customer.contact(),
                    member_id=csm,
                    words_id=said.id,
                    kind=kind,
                    two_way=kind != "mail",
                    occurred_at=at,
                    recorded_at=at + timedelta(minutes=int(5 + 200 * share(*name, "logged"))),
                ),
            )
        )
        last = last or at
        at -= timedelta(days=every * (0.7 + 0.6 * share(*name, "gap")))
    return last


def _notes(rows: Rows, customer: Customer, now: datetime) -> None:
    for number in range(1 + int(2 * share(customer.key, "notes"))):
        name = (customer.key, "note", str(number))
        at = _in_office_hours(now - timedelta(days=3 + 80 * share(*name, "at")), *name)
        author = company.BY_KEY[customer.csm if number == 0 else customer.manager].id
        text = _words(at, "note", pick(phrases.NOTES, *name), author, customer.id, *name)
        rows.extend(
            (
                text,
                Note(
                    org_id=company.ORGANIZATION,
                    id=dated(at, *name),
                    account_id=customer.id,
                    author_id=author,
                    words_id=text.id,
                    created_at=at,
                ),
            )
        )


def _tasks(rows: Rows, now: datetime) -> None:
    """Own tasks of CSMs and account managers: overdue, due today, later, done."""
    at_three = now.replace(hour=15, minute=0, second=0, microsecond=0)
    for position, customer in enumerate(CUSTOMERS[::2]):
        person = company.BY_KEY[customer.csm if position % 3 else customer.manager].id
        name = (customer.key, "task")
        made = _in_office_hours(now - timedelta(days=4 + 8 * share(*name)), *name)
        title = _words(made, "task", pick(phrases.TASKS, *name), person, customer.id, *name)
        done = position % 6 == 5
        rows.extend(
            (
                title,
                Task(
                    org_id=company.ORGANIZATION,
                    id=dated(made, *name),
                    account_id=customer.id,
                    assignee_id=person,
                    created_by=person,
                    title_id=title.id,
                    status="done" if done else "open",
                    priority=1 + position % 4,
                    due_at=at_three + timedelta(days=position % 7 - 2),
                    closed_at=now - timedelta(days=1) if done else None,
                    created_at=made,
                ),
            )
        )


def _absence(rows: Rows, now: datetime) -> None:
    rows.extend(
        (
            Absence(
                org_id=company.ORGANIZATION,
                id=dated(now - timedelta(days=20), "absence"),
                member_id=company.ABSENT.id,
                delegate_id=company.DELEGATE.id,
                starts_at=now - company.AWAY_SINCE,
                ends_at=now + company.AWAY_UNTIL,
                created_at=now - timedelta(days=20),
            ),
        )
    )


def _in_office_hours(at: datetime, *names: str) -> datetime:
    """A weekday at or before `at`, between eight and fourteen o'clock UTC."""
    at = at.replace(
        hour=8 + int(6 * share(*names, "hour")), minute=int(60 * share(*names, "minute"))
    )
    while at.weekday() > 4:
        at -= timedelta(days=1)
    return at.replace(second=0, microsecond=0)
