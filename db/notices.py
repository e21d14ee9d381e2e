"""From the commands of a transition to what is told and sent: rows, made by a pure function.

In-app notices are written in the transition itself. Mail that is urgent is carried by the
execution's workflow, the rest by the daily digest; webhooks and surveys by the workflow (law 8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.people import People
from db.projection import Frame, Row
from domain.playbook.commands import Command, Ended, Escalate, Remind, Send, StepOpened, Tell
from domain.playbook.definition import Definition, Recipient, RecipientKind
from domain.playbook.machine import Made
from domain.playbook.state import CLOSED, State, StepState

ASSIGNEE = (Recipient(RecipientKind.assignee),)
OWNER = (Recipient(RecipientKind.owner),)


@dataclass(slots=True)
class Outbox:
    """Rows to insert for the transitions of one transaction."""

    notifications: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    escalations: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell members about, before it is known who they are."""

    code: str
    step: StepState | None
    recipients: tuple[Recipient, ...]
    urgent: bool
    carrier: str
    params: dict[str, object]


def fill(
    outbox: Outbox,
    frame: Frame,
    definition: Definition,
    made: Made,
    final: State,
    people: People,
    endpoints: Sequence[UUID],
    new_id: Callable[[], UUID],
) -> list[UUID]:
    """Add what one transition tells and sends; the ids of what the workflow carries."""
    writer = _Writer(outbox, frame, definition, made, final, people, endpoints, new_id)
    for command in made.commands:
        writer.write(command)
    return writer.carried


@dataclass(slots=True)
class _Writer:
    outbox: Outbox
    frame: Frame
    definition: Definition
    made: Made
    final: State
    people: People
    endpoints: Sequence[UUID]
    new_id: Callable[[], UUID]
    carried: list[UUID] = field(default_factory=list)
    ordinal: int = 0

    def write(self, command: Command) -> None:
        match command:
            case StepOpened():
                self._opened(command)
            case Remind():
                step = self._step(command.step, command.occurrence)
                due: dict[str, object] = {"due_at": _iso(command.due_at)}
                self._tell(Notice("reminder", step, ASSIGNEE, False, "workflow", due))
            case Escalate():
                self._escalate(command)
            case Tell():
                step = self._step(command.step, command.occurrence) if command.step else None
                carrier = "workflow" if command.urgent else "digest"
                self._tell(Notice(command.code, step, command.tell, command.urgent, carrier, {}))
            case Send():
                self._send(command)
            case Ended():
                params: dict[str, object] = {
                    "outcome": command.outcome.value,
                    "outcome_code": command.code,
                }
                self._tell(Notice("ended", None, OWNER, False, "digest", params))
            case _:
                return

    def _opened(self, command: StepOpened) -> None:
        step = self._step(command.step, command.occurrence)
        if step is None or step.status in CLOSED:
            return  # it was closed in the same transaction: nobody has to be asked
        carrier = "workflow" if command.urgent else "digest"
        params: dict[str, object] = {"due_at": _iso(command.due_at)}
        self._tell(Notice("step_opened", step, ASSIGNEE, command.urgent, carrier, params))

    def _escalate(self, command: Escalate) -> None:
        step = self._step(command.step, command.occurrence)
        params: dict[str, object] = {"level": command.level, "due_at": _iso(command.due_at)}
        told = self._tell(
            Notice("escalation", step, command.tell, command.urgent, "workflow", params)
        )
        taken = self.people.holder(command.takes_over) if command.takes_over else None
        self.outbox.escalations.append(
            {
                "id": self.new_id(),
                "org_id": self.frame.org,
                "execution_id": self.frame.execution,
                "number": self.made.number,
                "step": command.step,
                "occurrence": command.occurrence,
                "level": command.level,
                "due_at": self.made.at,
                "late": self.made.late,
                "tell": [str(member) for member in told],
                "took_over_id": taken,
            }
        )

    def _send(self, command: Send) -> None:
        outgoing = command.outgoing
        params: dict[str, object] = {
            "event": outgoing.event,
            "fields": {name: self.final.fields.get(name) for name in outgoing.fields},
            "ordinal": command.ordinal,
        }
        step = self._step(command.step, command.occurrence)
        if command.channel == "notify":
            carrier = "workflow" if outgoing.urgent else "digest"
            notice = Notice("notify", step, outgoing.tell, outgoing.urgent, carrier, params)
            self._tell(notice)
        elif command.channel == "survey":
            self._deliver("mail", "contact", self.frame.contact, "survey", step, params, True)
        else:
            for endpoint in self.endpoints or (None,):
                self._deliver(
                    "webhook", "endpoint", endpoint, command.channel, step, params, outgoing.urgent
                )

    def _tell(self, notice: Notice) -> list[UUID]:
        members = self.people.told(notice.recipients, self.definition, notice.step)
        for member in members:
            self.outbox.notifications.append(self._notification(notice, member))
            self._deliver(
                "mail",
                "member",
                member,
                notice.code,
                notice.step,
                notice.params,
                notice.urgent,
                carrier=notice.carrier,
            )
        return members

    def _notification(self, notice: Notice, member: UUID) -> Row:
        step = notice.step
        return {
            "id": self.new_id(),
            "org_id": self.frame.org,
            "member_id": member,
            "code": notice.code,
            "execution_id": self.frame.execution,
            "account_id": self.frame.account,
            "number": self.made.number,
            "step": step.key if step else None,
            "occurrence": step.occurrence if step else None,
            "params": notice.params,
            "urgent": notice.urgent,
        }

    def _deliver(
        self,
        channel: str,
        recipient_kind: str,
        recipient: UUID | None,
        template: str,
        step: StepState | None,
        params: dict[str, object],
        urgent: bool,
        *,
        carrier: str = "workflow",
    ) -> None:
        self.ordinal += 1
        identity = self.new_id()
        if carrier == "workflow":
            self.carried.append(identity)
        self.outbox.deliveries.append(
            {
                "id": identity,
                "org_id": self.frame.org,
                "execution_id": self.frame.execution,
                "number": self.made.number,
                "ordinal": self.ordinal,
                "step": step.key if step else None,
                "occurrence": step.occurrence if step else None,
                "channel": channel,
                "recipient_kind": recipient_kind,
                "recipient_id": recipient,
                "template": template,
                "params": params,
                "urgent": urgent,
                "carrier": carrier,
            }
        )

    def _step(self, key: str | None, occurrence: int) -> StepState | None:
        for step in self.final.steps:
            if step.key == key and step.occurrence == occurrence:
                return step
        return None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
