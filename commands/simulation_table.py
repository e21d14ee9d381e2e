"""A simulation for a terminal: one row for each thing that somebody is asked, told or does.

Colour only for time (when, due, late) and for risk (breach, escalation, failure).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domain.calendars import local
from domain.errors import Invalid
from domain.playbook.commands import (
    Breached,
    Ended,
    Escalate,
    HandedOver,
    Remind,
    ResumePlaybooks,
    Send,
    StepClosed,
    StepOpened,
    SuspendPlaybooks,
    Tell,
)
from domain.playbook.definition import Definition, OutcomeKind
from domain.playbook.events import (
    Body,
    Cancelled,
    DeadlinePassed,
    FactArrived,
    FieldsChanged,
    HandOffDecided,
    Reassigned,
    Snoozed,
    Started,
    StepCompleted,
    WaitingStarted,
    WaiverDecided,
)
from domain.playbook.state import CLOSED
from domain.simulate import EndedBy, Line, Said, Simulation

TIME = "cyan"
RISK = "red"

_TOLD = {
    "follow_up": "is told: the wait is over, follow up",
    "hand_off_offered": "is offered",
    "hand_off_declined": "is told: declined",
    "waiver_requested": "is asked for a waiver",
    "waiver_decided": "is told: the waiver was decided",
    "waiver_expired": "is told: the waiver has expired",
    "survey_unanswered": "is told: no answer yet",
    "reassigned": "now holds",
    "reopened": "is told: open again",
}
_VERBS = {
    "step_completed": "completes",
    "step_skipped": "skips",
    "waiver_requested": "asks for a waiver of",
    "waiver_decided": "decides the waiver of",
    "waiting_started": "waits on the customer for",
    "waiting_ended": "goes on with",
    "snoozed": "snoozes",
    "reassigned": "reassigns",
    "reopened": "reopens",
    "hand_off_decided": "answers the hand-off of",
    "acknowledged": "acknowledges the escalation of",
    "fact_arrived": "a fact arrives",
    "fields_changed": "the account's data change",
    "team_changed": "the account team changes",
    "calendar_changed": "the calendar changes",
    "delivery_ended": "is delivered:",
    "paused": "pauses the playbook",
    "resumed": "resumes the playbook",
    "cancelled": "cancels the playbook",
}


def print_simulation(definition: Definition, simulation: Simulation) -> None:
    """Print the rows, then how it ended."""
    console = Console(highlight=False)
    rows = _Rows(definition, simulation)
    table = Table(
        box=box.SIMPLE, title=f"{definition.name}, {simulation.state.calendar.timezone} time"
    )
    table.add_column("Day", justify="right", no_wrap=True)
    table.add_column("When", style=TIME, no_wrap=True)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("Who")
    table.add_column("What", ratio=1)
    for row in rows.all():
        table.add_row(*row)
    console.print(table)
    console.print(rows.end())


class _Rows:
    """Words for the lines of one simulation."""

    def __init__(self, definition: Definition, simulation: Simulation) -> None:
        self._titles = {step.key: step.title for step in definition.steps()}
        self._phases = {phase.key: phase.title for phase in definition.phases}
        self._simulation = simulation

    def all(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Day, local time, transition, who, what. Repeated days and times stay empty."""
        last_day = last_when = ""
        first = self._local(self._simulation.start).date()
        for line in self._simulation.lines:
            day = str((self._local(line.at).date() - first).days + 1)
            when = self._when(line.at)
            number = "" if line.number is None else str(line.number)
            for who, what in self._of_line(line):
                yield (
                    "" if day == last_day else day,
                    "" if when == last_when else when,
                    number,
                    escape(who),
                    what,
                )
                last_day, last_when, number = day, when, ""

    def end(self) -> str:
        """How it ended, in one sentence."""
        simulation = self._simulation
        state = simulation.state
        at = self._when(state.last_at)
        match simulation.ended_by:
            case EndedBy.outcome:
                words = f"{state.outcome.value if state.outcome else ''}: {state.outcome_code}"
                risk = state.outcome is OutcomeKind.failure
                words = f"[{RISK}]{words}[/]" if risk else words
                return f"Ended [{TIME}]{at}[/] as {words}."
            case EndedBy.at_rest:
                return (
                    f"[{RISK}]No end[/]: nothing falls due after [{TIME}]{at}[/]. "
                    f"Open: {self._open()}."
                )
            case EndedBy.limit:
                return f"Stopped after [{TIME}]{at}[/], without an end. Open: {self._open()}."

    def _open(self) -> str:
        steps = self._simulation.state.steps
        waits = [self._step(s.key, s.occurrence) for s in steps if s.status not in CLOSED]
        return "; ".join(waits) or "nothing"

    # --- words ----------------------------------------------------------------------------

    def _of_line(self, line: Line) -> Iterator[tuple[str, str]]:
        own = self._of_event(line)
        if own is not None:
            yield own
        if line.refused is not None:
            yield "", f"[{RISK}]refused[/] ({line.refused}): {escape(line.message or '')}"
        for said in line.said:
            words = self._of_command(line, said)
            if words is not None:
                yield ", ".join(said.to), words

    def _of_event(self, line: Line) -> tuple[str, str] | None:
        body = line.event.body
        if isinstance(body, DeadlinePassed):
            name, _, key = body.key.partition(":")
            if name == "phase":
                return "", f'phase "{escape(self._phases.get(key, key))}" begins'
            return None
        who = line.event.actor.member or ""
        if isinstance(body, Started):
            return who, "starts the playbook"
        step: str | None = getattr(body, "step", None)
        words = _VERBS[body.kind]
        if step is not None:
            words += f" {self._step(step, getattr(body, 'occurrence', 1))}"
        return who, words + self._detail(body)

    def _detail(self, body: Body) -> str:
        match body:
            case StepCompleted(choice=str() as choice):
                return f" ({escape(choice)})"
            case HandOffDecided() as e:
                return " (accepted)" if e.accepted else " (declined)"
            case WaiverDecided() as e:
                return " (approved)" if e.approved else " (rejected)"
            case WaitingStarted() as e:
                return f" ({escape(e.reason_code)}), until [{TIME}]{self._when(e.follow_up_at)}[/]"
            case Snoozed() as e:
                return f" until [{TIME}]{self._when(e.until)}[/]"
            case Reassigned() as e:
                return f" to {escape(e.to)}"
            case FactArrived() as e:
                return f": {escape(e.fact)}"
            case FieldsChanged() as e:
                pairs = ", ".join(f"{name} {value}" for name, value in e.fields.items())
                return f": {escape(pairs)}"
            case Cancelled() as e:
                return f" ({escape(e.code)})"
            case _:
                return ""

    def _of_command(self, line: Line, said: Said) -> str | None:
        match said.command:
            case StepOpened() as c:
                due = f", due [{TIME}]{self._when(c.due_at)}[/]" if c.due_at else ""
                urgent = " (at once)" if c.urgent else ""
                return f"is asked{urgent}: {self._step(c.step, c.occurrence)}{due}"
            case StepClosed() as c:
                return self._of_close(line, c)
            case Remind() as c:
                step = self._step(c.step, c.occurrence)
                return f"[{TIME}]is reminded[/]: {step}, due [{TIME}]{self._when(c.due_at)}[/]"
            case Breached() as c:
                return f"[{RISK}]breach[/]: {self._step(c.step, c.occurrence)} was due"
            case Escalate() as c:
                takes = f"; {c.takes_over.value} takes over" if c.takes_over else ""
                step = self._step(c.step, c.occurrence)
                return f"[{RISK}]escalation, level {c.level}[/]: {step}{takes}"
            case Tell() as c:
                words = _TOLD.get(c.code, f"is told ({c.code})")
                return f"{words}: {self._step(c.step, c.occurrence)}" if c.step else words
            case Send() as c:
                again = f", time {c.ordinal}" if c.ordinal > 1 else ""
                step = self._step(c.step, c.occurrence)
                return f"{c.channel} sent{again}: {step} ({c.outgoing.event})"
            case SuspendPlaybooks() as c:
                return f"suspends {', '.join(c.playbooks)}"
            case ResumePlaybooks() as c:
                return f"resumes {', '.join(c.playbooks)}"
            case HandedOver() as c:
                return f"{c.role.value} is now {escape(c.receiver)}"
            case Ended() as c:
                failed = c.outcome is OutcomeKind.failure
                words = f"ends as {c.outcome.value}: {c.code}"
                return f"[{RISK}]{words}[/]" if failed else words

    def _of_close(self, line: Line, closed: StepClosed) -> str | None:
        """What the event itself does not say already."""
        how = ", [red]late[/]" if closed.late else ", logged late" if closed.logged_late else ""
        by_event = getattr(line.event.body, "step", None) == closed.step
        if by_event and not how:
            return None
        step = self._step(closed.step, closed.occurrence)
        return f"{closed.status.replace('_', ' ')}{how}: {step}"

    def _step(self, key: str, occurrence: int) -> str:
        again = f" ({occurrence})" if occurrence > 1 else ""
        return escape(self._titles.get(key, key)) + again

    def _local(self, at: datetime) -> datetime:
        try:
            return local(at, self._simulation.state.calendar)
        except Invalid:  # past the calendar's horizon
            return at.replace(tzinfo=None)

    def _when(self, at: datetime) -> str:
        return f"{self._local(at):%a %d %b %H:%M}"
