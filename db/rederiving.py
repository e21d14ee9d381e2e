"""Live a stored execution again from its recorded events, and compare it with the record."""

from __future__ import annotations

from uuid import UUID

from db.queries import executions, versions
from db.queries.transitions import list_transitions
from db.sessions import ReadSession
from domain.playbook.codec import content_hash, event_from_json, state_from_json
from domain.playbook.events import Migrated
from domain.playbook.rederive import Disagreement, Recorded, Rederived, rederive

PAGE = 1000


async def rederive_execution(session: ReadSession, execution: UUID) -> Rederived:
    """The record of one execution, checked by its frozen definition and those it was moved to.

    The stored state has to be the one that its events lead to (`state_differs`), each definition
    the one that its hash names (`definition_differs`), and the stored version the last that it was
    moved to (`version_differs`). Raises NotFound (`execution_not_found`).
    """
    stored = await executions.read(session, execution)
    recorded: list[Recorded] = []
    while page := await list_transitions(session, execution, len(recorded) - 1, PAGE):
        recorded += [Recorded(t.number, event_from_json(t.event), t.at, t.digest) for t in page]
        if len(page) < PAGE:
            break
    moves = [(one, one.event.body) for one in recorded if isinstance(one.event.body, Migrated)]
    hashes = [*(body.before for _, body in moves[:1]), *(body.content_hash for _, body in moves)]
    hashes = hashes or [stored.content_hash]
    if hashes[-1] != stored.content_hash:
        number = moves[-1][0].number
        fault = Disagreement(number, "version_differs", "It was moved to another version.")
        return Rederived(None, 0, fault)
    known = await versions.definitions_by_hash(session, stored.playbook_key, hashes)
    if any(one not in known or content_hash(known[one]) != one for one in hashes):
        fault = Disagreement(0, "definition_differs", "A definition was changed afterwards.")
        return Rederived(None, 0, fault)
    found = rederive(known[hashes[0]], recorded, known)
    if found.disagreement is None and found.agreed <= stored.number:
        fault = Disagreement(found.agreed, "number_gap", f"Transition {found.agreed} is missing.")
        return Rederived(found.state, found.agreed, fault)
    if found.disagreement is None and found.state != state_from_json(stored.state):
        fault = Disagreement(stored.number, "state_differs", "The stored state is another one.")
        return Rederived(found.state, found.agreed, fault)
    return found
