"""From an execution's state and definition to what is answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.executions.schemas import (
    ChoiceView,
    EvidenceView,
    ExecutionView,
    FormField,
    MigrationPreview,
    PhaseView,
    StepMoveView,
    StepView,
    WaitingView,
    WaiverView,
)
from db.migrating import Preview
from db.models.evidence import Evidence
from db.queries.execution_list import Head
from domain.playbook.definition import Definition, OutcomeKind, Step, Subject
from domain.playbook.draft import rules_of
from domain.playbook.state import State, StepState, StepStatus


def execution_view(
    head: Head, definition: Definition, state: State, evidence: Sequence[Evidence] = ()
) -> ExecutionView:
    """The whole execution, its steps in the order in which they came up."""
    titles = {phase.key: phase.title for phase in definition.phases}
    given: dict[tuple[str, int], list[EvidenceView]] = {}
    for row in evidence:
        given.setdefault((row.step, row.occurrence), []).append(EvidenceView.model_validate(row))
    return ExecutionView(
        id=head.id,
        playbook=head.playbook,
        playbook_name=definition.name,
        version=head.version,
        status=state.status,
        number=state.number,
        subject_kind=Subject(head.subject_kind),
        subject=head.subject,
        account=head.account,
        account_name=head.account_name,
        contact=head.contact,
        cause=head.cause,
        parameters=state.parameters,
        started_by=head.started_by,
        started_at=state.started_at,
        last_at=state.last_at,
        next_deadline=head.next_deadline,
        paused_at=state.paused_at,
        paused_for=state.paused_for,
        outcome=OutcomeKind(state.outcome) if state.outcome else None,
        outcome_code=state.outcome_code,
        ended_at=state.ended_at,
        phases=[
            PhaseView(
                key=phase.key,
                title=titles[phase.key],
                starts_at=phase.starts_at,
                ends_at=phase.ends_at,
                started=phase.started,
            )
            for phase in state.phases
        ],
        steps=[
            step_view(
                definition,
                state,
                step,
                _holder(head, step),
                given.get((step.key, step.occurrence), []),
            )
            for step in state.steps
        ],
    )


def _holder(head: Head, step: StepState) -> UUID | None:
    holder = head.held_by.get(f"{step.key}/{step.occurrence}")
    return UUID(holder) if holder else None


def step_view(
    definition: Definition,
    state: State,
    step: StepState,
    holder: UUID | None,
    evidence: list[EvidenceView],
) -> StepView:
    """One occurrence of a step."""
    phase, rules = rules_of(definition, state, step.key)
    done_at = step.occurred_at or step.closed_at
    late = bool(done_at and step.due_at and done_at > step.due_at)
    recorded_late = bool(step.closed_at and step.due_at and step.closed_at > step.due_at)
    completed = step.status is StepStatus.completed
    return StepView(
        step=step.key,
        occurrence=step.occurrence,
        phase=phase.key,
        title=rules.title,
        instructions=rules.instructions,
        kind=rules.kind,
        status=step.status,
        required=rules.required,
        priority=rules.priority,
        owner=step.owner,
        approver=rules.approver,
        assignee=UUID(step.assignee) if step.assignee else None,
        held_by=holder,
        opens_at=step.opens_at,
        opened_at=step.opened_at,
        due_at=step.due_at,
        first_due_at=step.first_due_at,
        closed_at=step.closed_at,
        occurred_at=step.occurred_at,
        breached_at=step.breached_at,
        late=completed and late,
        logged_late=completed and recorded_late and not late,
        waiting=WaitingView.model_validate(step.waiting) if step.waiting else None,
        waited=step.waited,
        snoozed_until=step.snoozed_until,
        waiver=WaiverView.model_validate(step.waiver) if step.waiver else None,
        level=step.levels_fired,
        acknowledged_level=step.acknowledged_level,
        choice=step.choice,
        answers=step.answers,
        form=_form(rules, state, step),
        choices=[ChoiceView(key=choice.key, title=choice.title) for choice in rules.choices],
        evidence=evidence,
    )


def _form(rules: Step, state: State, step: StepState) -> list[FormField]:
    return [
        FormField(
            key=field.key,
            type=field.type,
            title=field.title,
            required=field.required,
            choices=field.choices,
            minimum=field.minimum,
            maximum=field.maximum,
            value=step.answers.get(
                field.key, state.fields.get(field.prefill) if field.prefill else None
            ),
        )
        for field in rules.evidence
    ]


def preview_view(preview: Preview) -> MigrationPreview:
    """What a migration would do, step by step."""
    moves = preview.moves
    return MigrationPreview(
        playbook=preview.playbook,
        before=preview.before,
        after=preview.after,
        steps=[StepMoveView.model_validate(one) for one in moves.steps],
        next_deadline_before=moves.deadline_before,
        next_deadline_after=moves.deadline_after,
        outcome=moves.outcome,
        outcome_code=moves.outcome_code,
    )
