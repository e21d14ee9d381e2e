"""Compares what people were told, what is stored, what was sent and what Temporal knows.

Each difference is one sentence under one of three words: lost, doubled, or wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.channels.mail import MailChannel
from db.engine import Database
from db.sealing import verify
from domain.playbook.codec import (
    definition_from_json,
    event_from_json,
    state_from_json,
    state_to_json,
)
from domain.playbook.machine import advance
from domain.playbook.state import State
from tests.faults.histories import Known, known
from tests.faults.people import Command, Crew
from tests.faults.playbook import LEVELS
from workflows.ids import workflow_id

LATE = timedelta(minutes=1)
NEAR = timedelta(seconds=2)
BEGAN = timedelta(milliseconds=500)
"""A row says when its transaction began, its instant is taken under the lock after that."""
TASK = timedelta(seconds=10)
"""A timer counts from the end of the workflow task that starts it, and its length from the
task's beginning: where a worker is held up it ends later, by a task's time-out at most."""

ANSWER_UNSEEN = 6.0
"""Seconds before a kill of a worker within which it may have been waiting for an answer."""


@dataclass(slots=True)
class Findings:
    """What differs, and how much was compared."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        lines = [
            f"{word}: {one}"
            for word, found in (
                ("lost", self.lost),
                ("doubled", self.doubled),
                ("wrong", self.wrong),
            )
            for one in found[:40]
        ]
        return "\n".join([*lines, f"compared {dict(self.counts)}"])


async def settle_down(crew: Crew, patience: float = 180) -> None:
    """Wait until nothing is under way: all told, all delivered, nothing due. Bounded.

    Nothing soon either: what fell due while both sides are read would look like a difference.
    """
    stack = crew.stack
    client = await stack.client()
    until = time.monotonic() + patience
    calm = 0
    while calm < 3 and time.monotonic() < until:
        left = stack.rows(
            """
            select (select count(*) from relay) as untold,
                   (select count(*) from deliveries
                    where carrier <> 'digest' and status in ('pending', 'claimed')) as unsent,
                   (select count(*) from executions
                    where status = 'running' and next_deadline < clock_timestamp() + '6 s'::interval
                   ) as due,
                   (select count(*) from executions where status <> 'ended') as open
            """
        )[0]
        running = await client.count_workflows(
            'WorkflowType = "Execution" AND ExecutionStatus = "Running"'
        )
        still = left.untold == left.unsent == left.due == 0 and running.count == left.open
        calm = calm + 1 if still else 0
        await asyncio.sleep(0.5)


async def reconcile(crew: Crew) -> Findings:
    """Every difference between the ledger, the record, the mailbox and Temporal."""
    found = Findings()
    _commands(crew, found)
    _record(crew, found)
    _escalations(crew, found)
    _mails(crew, found)
    await _audit(crew, found)
    await _temporal(crew, found)
    return found


# --- acknowledged equals stored -----------------------------------------------------------------


def _commands(crew: Crew, found: Findings) -> None:
    stored = Counter(
        (str(row.execution_id), row.kind, row.step or "", str(row.actor_id))
        for row in crew.stack.rows(
            "select execution_id, kind, event->'body'->>'step' as step, actor_id"
            " from transitions where actor_id is not null"
        )
        if not (row.kind == "started" and str(row.execution_id) in crew.begun_here)
    )
    asked = Counter(_shape(one) for one in crew.ledger if one.acknowledged)
    unsure = Counter(_shape(one) for one in crew.ledger if one.status == 0)
    found.counts["commands"] = len(crew.ledger)
    found.counts["acknowledged"] = asked.total()
    found.counts["sent again"] = sum(one.tries > 1 for one in crew.ledger)
    for shape, times in (asked - stored).items():
        found.lost.append(f"acknowledged, not stored {times} times: {shape}")
    for shape, times in (stored - asked - unsure).items():
        found.doubled.append(f"stored without being asked for {times} times: {shape}")
    for one in crew.ledger:
        if one.status == 0:
            found.wrong.append(f"never answered: {one}")
        for answer in one.answers:
            if answer.startswith("5") and not answer.startswith("503"):
                found.wrong.append(f"answered {answer}: {one.kind} {one.execution} {one.step}")
    begun = {str(row.id) for row in crew.stack.rows("select id from executions")}
    started = {one.execution for one in crew.ledger if one.kind == "started" and one.acknowledged}
    for execution in begun - started - crew.begun_here:
        if not unsure:
            found.doubled.append(f"execution {execution} was started and nobody knows of it")


def _shape(one: Command) -> tuple[str, str, str, str]:
    return one.execution, one.kind, one.step, one.member


# --- the record in itself -----------------------------------------------------------------------


def _record(crew: Crew, found: Findings) -> None:
    definitions = {
        row.content_hash: definition_from_json(row.definition)
        for row in crew.stack.rows("select content_hash, definition from playbook_versions")
    }
    transitions: dict[str, list[Any]] = {}
    for row in crew.stack.rows("select * from transitions order by execution_id, number"):
        transitions.setdefault(str(row.execution_id), []).append(row)
    for execution in crew.stack.rows("select * from executions"):
        made = transitions.get(str(execution.id), [])
        found.counts["executions"] += 1
        found.counts["transitions"] += len(made)
        if [row.number for row in made] != list(range(execution.number + 1)):
            found.lost.append(f"{execution.id}: numbers {[row.number for row in made]}")
            continue
        state: State | None = None
        definition = definitions[execution.content_hash]
        for row in made:
            state, _ = advance(definition, state, event_from_json(row.event), row.at)
        stored = state_to_json(state_from_json(execution.state))
        if state is None or state_to_json(state) != stored:
            found.wrong.append(f"{execution.id}: its events do not give its state")


def _escalations(crew: Crew, found: Findings) -> None:
    """Each level that fell due while its step was open, exactly once, at its exact instant."""
    stored: dict[tuple[str, str, int], list[Any]] = {}
    for row in crew.stack.rows("select * from escalations"):
        stored.setdefault((str(row.execution_id), row.step, row.level), []).append(row)
    now = datetime.now(UTC)
    expected: dict[tuple[str, str, int], datetime] = {}
    for step in crew.stack.rows("select * from steps where due_at is not null"):
        until = step.closed_at or now
        for level, after in enumerate(LEVELS, 1):
            if step.due_at + after <= until:
                expected[str(step.execution_id), step.step, level] = step.due_at + after
    found.counts["escalations"] = sum(map(len, stored.values()))
    found.counts["escalations, late"] = sum(row.late for rows in stored.values() for row in rows)
    for key, at in expected.items():
        rows = stored.pop(key, [])
        if not rows:
            found.lost.append(f"escalation {key} due {at} never fired")
        elif len(rows) > 1:
            found.doubled.append(f"escalation {key} fired {len(rows)} times")
        elif rows[0].due_at != at or rows[0].recorded_at < at - BEGAN:
            found.wrong.append(f"escalation {key} due {at} fired for {rows[0].due_at}")
        elif rows[0].late != (rows[0].recorded_at - at > LATE) and (
            abs(rows[0].recorded_at - at - LATE) > NEAR
        ):
            found.wrong.append(f"escalation {key} late={rows[0].late}: {rows[0].recorded_at - at}")
    for key in stored:
        found.wrong.append(f"escalation {key} fired though it never fell due")


# --- what left the house ------------------------------------------------------------------------


def _mails(crew: Crew, found: Findings) -> None:
    box = crew.stack.box
    channel = MailChannel(box.settings)
    taken = box.taken()
    found.counts["mails"] = len(taken)
    keys: set[str] = set()
    for row in crew.stack.rows("select * from deliveries where carrier <> 'digest'"):
        identity = channel.message_id(f"{row.execution_id}.{row.number}.{row.ordinal}")
        keys.add(identity)
        found.counts["deliveries"] += 1
        if row.status != "delivered":
            found.lost.append(f"delivery {row.id} is {row.status}: {row.last_error}")
        if not taken[identity]:
            found.lost.append(f"delivery {row.id} ({row.template}) never arrived")
        if taken[identity] > 1:
            times = [at for at, which in box.arrivals if which == identity]
            if _explained(crew, times):
                found.counts["mails sent again, answer unseen"] += 1
            else:
                after = [round(at - times[0], 1) for at in times]
                found.doubled.append(
                    f"mail {identity} at {after}, {row.attempts} attempts;"
                    f" killed: {_around(crew, times)}"
                )
    for identity in taken.keys() - keys:
        found.wrong.append(f"mail {identity} belongs to no delivery")
    for row in crew.stack.rows(
        "select execution_id, number, member_id, code, step, count(*) as times from notifications"
        " group by 1, 2, 3, 4, 5 having count(*) > 1"
    ):
        found.doubled.append(f"notice {row.code} {row.times} times: {row.execution_id} {row.step}")


def _around(crew: Crew, times: list[float]) -> str:
    """What was killed near these instants, in seconds after the first."""
    first = times[0]
    return ", ".join(
        f"{part} {at - first:+.1f}" for at, part in crew.stack.kills if -15 < at - first < 20
    )


def _explained(crew: Crew, times: list[float]) -> bool:
    """Whether a worker was killed around each arrival but the last: it never saw the answer."""
    kills = [at for at, part in crew.stack.kills if part.startswith("worker")]
    return all(any(-1.0 <= kill - at <= ANSWER_UNSEEN for kill in kills) for at in times[:-1])


# --- audit and Temporal -------------------------------------------------------------------------


async def _audit(crew: Crew, found: Findings) -> None:
    entries = Counter(
        (row.object_id, int(row.number))
        for row in crew.stack.rows(
            "select object_id, data->>'number' as number from audit_entries"
            " where object_kind = 'execution' and outcome = 'done'"
        )
    )
    made = Counter(
        (str(row.execution_id), row.number)
        for row in crew.stack.rows("select execution_id, number from transitions")
    )
    for key in made - entries:
        found.lost.append(f"no audit entry of {key}")
    for key in entries - made:
        found.doubled.append(f"an audit entry too many of {key}")
    database = Database(crew.stack.app_url, pool_size=1)
    try:
        async with database.reading(crew.org) as session:
            chain = await verify(session)
    finally:
        await database.close()
    found.counts["audit entries sealed"] = chain.sealed
    if not chain.ok:
        found.wrong.append(f"the audit chain is broken: {chain}")


async def _temporal(crew: Crew, found: Findings) -> None:
    client = await crew.stack.client()
    gate = asyncio.Semaphore(8)

    async def one(row: Any) -> None:
        async with gate:
            await _workflow(crew, client, row, found)

    rows = crew.stack.rows("select * from executions order by started_at")
    await asyncio.gather(*(one(row) for row in rows))


async def _workflow(crew: Crew, client: Client, row: Any, found: Findings) -> None:
    identity = workflow_id(crew.org.org, UUID(str(row.id)))
    try:
        life = await known(client, identity)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        found.lost.append(f"{row.id} ({row.status}) has no workflow")
        return
    found.counts["workflows"] += 1
    found.counts["history events"] += life.events
    found.counts["workflow tasks begun again"] += life.overtaken
    if life.number != row.number:
        found.lost.append(f"{row.id}: stored {row.number}, Temporal knows {life.number}")
    if any(len(digests) > 1 for digests in life.digests.values()):
        found.wrong.append(f"{row.id}: a number with two digests")
    found.wrong += [f"{row.id}: {failure}" for failure in life.failures]
    over = row.status == "ended"
    wanted = WorkflowExecutionStatus.COMPLETED if over else WorkflowExecutionStatus.RUNNING
    if life.status is not wanted:
        found.wrong.append(f"{row.id} is {row.status}, its workflow {life.status}")
    if over or row.next_deadline is None:
        return
    _timer(row, life, found)


def _timer(row: Any, life: Known, found: Findings) -> None:
    """An open execution has one timer, never after its deadline."""
    found.counts["timers"] += len(life.timers)
    if not life.timers:
        found.lost.append(f"{row.id}: due {row.next_deadline}, and no timer")
    elif len(life.timers) > 1:
        found.doubled.append(f"{row.id}: timers at {life.timers}")
    elif life.timers[0] > row.next_deadline + TASK:
        found.wrong.append(f"{row.id}: due {row.next_deadline}, timer at {life.timers[0]}")
