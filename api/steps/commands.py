"""Runs one command on a step: the event, its words and evidence, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.executions.answers import answer_of
from api.executions.schemas import CommandAnswer
from api.guard import Writing
from db.making import Held
from db.requests import NewEvidence, NewWords
from db.transitions import apply_event, hold
from domain.playbook.events import Body, Event


async def run(
    work: Writing, execution: UUID, body: Body, *, words: NewWords | None = None
) -> CommandAnswer:
    """Applies the event and answers with the state that it left."""
    held = await hold(work.session, execution, work.event_id(), clock=work.clock)
    return await run_on(work, held, body, words=words)


async def run_on(
    work: Writing,
    held: Held,
    body: Body,
    *,
    words: NewWords | None = None,
    evidence: Sequence[NewEvidence] = (),
    seen: dict[str, Any] | None = None,
) -> CommandAnswer:
    """The same on an execution that is held already."""
    applied = await apply_event(
        work.session,
        held,
        Event(work.event_id(), body, work.actor),
        words=[words] if words else [],
        evidence=evidence,
        seen=seen,
    )
    step, occurrence = getattr(body, "step", None), getattr(body, "occurrence", 1)
    return answer_of(work.applied(applied), step, occurrence)


def reason_of(work: Writing, text: str | None) -> NewWords | None:
    """The words of a reason, where one was given."""
    return work.new_words("reason", text) if text else None


def named(words: NewWords | None) -> str | None:
    """How an event names words."""
    return str(words.id) if words else None
