"""The smallest hand-written workflow that does the same work: commands by Update, a timer per step.

It keeps what a careful engineer would keep: an event id applied once, gapless numbers, one
transaction for each transition, an answer only when its rows are durable.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from bench.bare.messages import BareAnswer, BareCommand, BareInput, BareTransition, Writing

ATTEMPT = timedelta(seconds=5)


@workflow.defn(name="Bare")
class BareWorkflow:
    """One execution, from its start to its last step."""

    @workflow.init
    def __init__(self, given: BareInput) -> None:
        self._given = given
        self._number = -1
        self._open = 0
        self._due: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    @workflow.run
    async def run(self, given: BareInput) -> int:
        """Return the last number when every step is closed."""
        async with self._one_at_a_time:
            await self._make("started", f"start:{given.execution}", given.actor, None, {})
        while self._step() is not None:
            waited_for = self._open

            def moved_on(at: int = waited_for) -> bool:
                return self._open != at

            due = self._due
            left = (due - workflow.now()).total_seconds() if due else None
            try:
                await workflow.wait_condition(moved_on, timeout=left)
            except TimeoutError:
                async with self._one_at_a_time:
                    if self._open == waited_for:
                        await self._breach()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._number

    @workflow.update
    async def complete(self, command: BareCommand) -> BareAnswer:
        """Close the open step and open the next; refused where another step is open."""
        await workflow.wait_condition(lambda: self._number >= 0)
        async with self._one_at_a_time:
            if command.step != self._step():
                raise ApplicationError("This step is not open.", type="step_not_open")
            await self._make(
                "step_completed", command.event_id, command.actor, command.step, command.answers
            )
            return BareAnswer(self._number, self._step())

    async def _make(
        self, kind: str, event_id: str, actor: str, closes: str | None, answers: dict[str, int]
    ) -> None:
        now = workflow.now()
        after = self._open + (closes is not None)
        opens = self._given.steps[after] if after < len(self._given.steps) else None
        due = now + timedelta(seconds=self._given.due_after) if opens else None
        await self._write(
            BareTransition(
                self._given.execution,
                self._given.account,
                self._number + 1,
                event_id,
                kind,
                now,
                actor,
                closes,
                opens,
                due,
                None,
                answers,
            )
        )
        self._number += 1
        self._open = after
        self._due = due

    async def _breach(self) -> None:
        step = self._step()
        await self._write(
            BareTransition(
                self._given.execution,
                self._given.account,
                self._number + 1,
                f"deadline:due:{step}",
                "deadline_passed",
                workflow.now(),
                None,
                None,
                None,
                None,
                step,
                {},
            )
        )
        self._number += 1
        self._due = None

    async def _write(self, transition: BareTransition) -> None:
        await workflow.execute_local_activity_method(
            Writing.write, transition, start_to_close_timeout=ATTEMPT
        )

    def _step(self) -> str | None:
        return self._given.steps[self._open] if self._open < len(self._given.steps) else None
