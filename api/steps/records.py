"""Records beside a step that change no state: comments, and amendments of what was given."""

from __future__ import annotations

from uuid import UUID

from api.guard import Writing
from api.steps.schemas import AmendBody, CommentBody
from db.models.evidence import Evidence
from db.models.steps import Step
from db.queries import versions, words
from db.queries.execution_list import version_of
from db.queries.words import EvidenceRow
from domain.errors import Refused
from domain.playbook.draft import step_of
from domain.playbook.state import CLOSED, StepStatus

COMMENT = "comment"
"""The type of a comment's row; no EvidenceType is called so."""


async def comment_on_step(work: Writing, execution: UUID, step: str, body: CommentBody) -> Evidence:
    """Raises NotFound `execution_not_found`, Refused `unknown_step`, `step_not_open`."""
    found = await _occurrence(work, execution, step, body.occurrence)
    row = _row(work, found, COMMENT, COMMENT, body.text)
    return await _keep(work, row, "step.commented", None)


async def amend_step(work: Writing, execution: UUID, step: str, body: AmendBody) -> Evidence:
    """Raises as above, and Refused `step_open`, `evidence_unknown`."""
    found = await _occurrence(work, execution, step, body.occurrence)
    if StepStatus(found.status) not in CLOSED:
        raise Refused(
            "The step is still open: complete it with the right evidence instead.",
            code="step_open",
            details={"step": step},
        )
    version, content_hash = await version_of(work.session, execution)
    definition = await versions.definition(work.session, version, content_hash)
    fields = {one.key: one.type for one in step_of(definition, step).evidence}
    if body.field not in fields:
        raise Refused(
            f'The step asks for no "{body.field}".',
            code="evidence_unknown",
            details={"step": step, "field": body.field},
        )
    reason = await work.write_words("amendment", body.reason, found.account_id, found.contact_id)
    row = _row(work, found, body.field, fields[body.field].value, body.value)
    return await _keep(work, row, "step.amended", str(reason))


async def _occurrence(work: Writing, execution: UUID, step: str, occurrence: int) -> Step:
    version, content_hash = await version_of(work.session, execution)
    definition = await versions.definition(work.session, version, content_hash)
    step_of(definition, step)
    found = await work.session.get(Step, execution, step, occurrence)
    if found is None:
        raise Refused(
            "This step has not come up yet.",
            code="step_not_open",
            details={"step": step, "occurrence": occurrence},
        )
    return found


def _row(work: Writing, step: Step, field: str, kind: str, value: str) -> EvidenceRow:
    return EvidenceRow(
        id=work.id_of("record"),
        execution_id=step.execution_id,
        step=step.step,
        occurrence=step.occurrence,
        field=field,
        type=kind,
        value=value,
        author_id=work.caller.member,
        account_id=step.account_id,
        contact_id=step.contact_id,
    )


async def _keep(work: Writing, row: EvidenceRow, action: str, reason: str | None) -> Evidence:
    await words.insert_evidence(work.session, [row])
    await work.record(
        action,
        "execution",
        row.execution_id,
        {
            "step": row.step,
            "occurrence": row.occurrence,
            "record": str(row.id),
            "reason": reason,
        },
    )
    kept = await work.session.get(Evidence, row.id)
    assert kept is not None
    return kept
