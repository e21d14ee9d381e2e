"""From a claimed delivery to a message on its channel: who gets it, its words, when it may go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson

from activities.channels.mail import Mail, MailChannel
from activities.channels.results import Pointless, Result
from activities.channels.webhook import Call, WebhookChannel
from activities.channels.wording import DIGEST_ENTRIES, Matter, Words, digest, notice, survey
from db.engine import Database
from db.queries import correspondence, deliveries, endpoints, executions
from db.queries.correspondence import About, House
from db.queries.deliveries import Claimed
from db.requests import Clock, database_clock
from db.scope import Scope
from domain.calendars import next_working_instant
from domain.errors import Invalid
from domain.playbook.codec import state_from_json
from domain.playbook.state import CLOSED

ASKING = frozenset({"step_opened", "reminder", "reassigned", "follow_up"})
"""Notices that ask for work on a step; once it is closed there is nothing to ask for."""


class Unsendable(Exception):
    """Nothing can make this message; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Composer:
    """Reads what a message needs, writes it, and hands it to its channel.

    `address` is where people reach Holdfast, without a slash at its end.
    """

    def __init__(
        self,
        database: Database,
        mail: MailChannel,
        webhook: WebhookChannel,
        *,
        address: str,
        clock: Clock = database_clock,
    ) -> None:
        self._database = database
        self._mail = mail
        self._webhook = webhook
        self._address = address
        self._clock = clock

    async def quiet_until(self, scope: Scope, delivery: UUID) -> datetime | None:
        """The next opening where a mail to a member is not urgent and it is not working time."""
        async with self._database.reading(scope) as session:
            row = await deliveries.get(session, delivery)
            if (
                row is None
                or row.urgent
                or row.carrier != "workflow"
                or (row.channel, row.recipient_kind) != ("mail", "member")
                or row.execution_id is None
            ):
                return None
            execution = await executions.read(session, row.execution_id)
            now = self._clock(execution.database_now)
        try:
            calendar = state_from_json(execution.state).calendar
            opening = next_working_instant(now, calendar)
        except Invalid:
            return None  # a calendar that ends before now keeps nothing back
        return opening if opening > now else None

    async def send(self, scope: Scope, claimed: Claimed, patience: float) -> Result:
        """Try once. Raises `Unsendable` where no later try can differ."""
        if claimed.channel == "mail":
            return await self._send_mail(scope, claimed, patience)
        if claimed.channel == "webhook":
            return await self._send_webhook(scope, claimed, patience)
        raise Unsendable("unknown_channel")

    async def _send_mail(self, scope: Scope, claimed: Claimed, patience: float) -> Result:
        if claimed.recipient is None:
            raise Unsendable("recipient_missing")
        async with self._database.reading(scope) as session:
            house = await correspondence.house(session)
            if claimed.recipient_kind == "contact":
                to = await correspondence.contact_address(session, claimed.recipient)
            else:
                to = await correspondence.member_address(session, claimed.recipient)
            told = [UUID(one) for one in claimed.params.get("deliveries", ())] or [claimed.id]
            found = await correspondence.about(session, told[:DIGEST_ENTRIES])
        if to is None:
            raise Unsendable("recipient_missing")
        gone = sum(_pointless(one) for one in found)
        found = [one for one in found if not _pointless(one)]
        if not found:
            return Pointless()
        mail = Mail(
            key=message_key(claimed),
            to_name=to.name,
            to_address=to.email,
            words=self._words(claimed, house, found, len(told) - gone),
            at=claimed.created_at,
        )
        return await self._mail.send(mail, patience)

    def _words(self, claimed: Claimed, house: House, found: list[About], count: int) -> Words:
        if claimed.template == "survey":
            return survey(house.name)
        matters = [self._matter(one, house) for one in found]
        if claimed.template == "digest":
            return digest(house.name, matters, count)
        return notice(matters[0])

    def _matter(self, about: About, house: House) -> Matter:
        due = about.params.get("due_at")
        link = f"{self._address}/executions/{about.execution}" if about.execution else None
        return Matter(
            code=about.template,
            playbook=about.playbook or "",
            timezone=house.timezone,
            organization=house.name,
            account=about.account_name,
            step=about.title or about.step,
            due_at=datetime.fromisoformat(due) if due else about.due_at,
            level=about.params.get("level"),
            outcome=about.params.get("outcome"),
            link=f"{link}?step={about.step}" if link and about.step else link,
        )

    async def _send_webhook(self, scope: Scope, claimed: Claimed, patience: float) -> Result:
        if claimed.recipient is None:
            raise Unsendable("no_endpoint")
        async with self._database.reading(scope) as session:
            endpoint = await endpoints.read(session, claimed.recipient)
            found = await correspondence.about(session, [claimed.id])
        if endpoint is None or not endpoint.active:
            raise Unsendable("endpoint_inactive")
        about = found[0]
        event = str(claimed.params.get("event", claimed.template))
        body = {
            "type": event,
            "timestamp": claimed.created_at.isoformat(),
            "data": {
                "execution": str(about.execution) if about.execution else None,
                "playbook": about.playbook,
                "account": str(about.account) if about.account else None,
                "step": about.step,
                "occurrence": claimed.occurrence,
                "fields": claimed.params.get("fields", {}),
            },
        }
        call = Call(
            key=message_key(claimed),
            url=endpoint.url,
            secret=endpoint.secret,
            body=orjson.dumps(body).decode(),
        )
        return await self._webhook.send(call, patience)


def _pointless(about: About) -> bool:
    return about.template in ASKING and about.status in CLOSED


def message_key(claimed: Claimed) -> str:
    """The one key of every try and redelivery: execution, transition, ordinal (law 8)."""
    if claimed.execution is None or claimed.number is None:
        return str(claimed.id)
    return f"{claimed.execution}.{claimed.number}.{claimed.ordinal}"
