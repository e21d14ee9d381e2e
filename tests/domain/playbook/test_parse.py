"""What the parser makes of a right playbook."""
# ruff: noqa: E501

from __future__ import annotations

import pytest

from domain.errors import PlaybookInvalid
from domain.playbook.definition import (
    AllOf,
    Anchor,
    AnyOf,
    Case,
    Choice,
    Compare,
    Duration,
    ExpectedOutcome,
    Not,
    Op,
    OutcomeKind,
    Recipient,
    RecipientKind,
    Repeat,
    Role,
    StepIs,
    StepKind,
    TimeSpec,
    Unit,
)
from domain.playbook.parse import parse_ladders
from tests.domain.playbook.example import EXAMPLE, parse

LADDERS = """\
house:
  acknowledged_for: 4 hours
  levels:
    - {after: 1 hour, tell: [director, manager, contact], takes_over: director, urgent: false}
other:
  acknowledged_for: 1 day
  levels:
    - {after: 1 hour, tell: ops}
"""


def condition(text: str) -> object:
    """The trigger's condition, written as `text`."""
    definition = parse(EXAMPLE.replace("{field: health.score, below: 70}", text, 1))
    assert definition.trigger is not None
    return definition.trigger.when


def test_due_counts_from_the_opening_and_opens_from_the_phase() -> None:
    call, decide, check_in = parse(EXAMPLE).steps()
    assert call.due == TimeSpec(Duration(48, Unit.hour), Anchor.opening)
    assert decide.opens == TimeSpec(Duration(1, Unit.day), Anchor.phase_start)
    assert decide.due == TimeSpec(Duration(0, Unit.hour), Anchor.phase_end)
    assert check_in.repeat == Repeat(Duration(1, Unit.week))


def test_phases_of_weeks_become_days_after_the_start() -> None:
    first, second = parse(EXAMPLE).phases
    assert (first.starts, first.ends) == (Duration(0, Unit.day), Duration(14, Unit.day))
    assert (second.starts, second.ends) == (Duration(14, Unit.day), Duration(28, Unit.day))
    assert second.title == "Second"


def test_a_step_without_owner_belongs_to_the_playbooks() -> None:
    text = EXAMPLE.replace("owner: csm", "owner: support")
    text = text.replace("kind: branch", "kind: branch\n        owner: director")
    assert [step.owner for step in parse(text).steps()] == [
        Role.support, Role.director, Role.support,
    ]  # fmt: skip


def test_evidence_gets_a_title_and_is_required_unless_it_says_otherwise() -> None:
    held_on, mood = parse(EXAMPLE).steps()[0].evidence
    assert (held_on.title, held_on.required) == ("Held on", True)
    assert mood.choices == ("good", "bad")


def test_reminders_are_kept_longest_first() -> None:
    text = EXAMPLE.replace("reminders: 4 hours", "reminders: [4 hours, 1 day, 30 minutes]")
    assert parse(text).steps()[0].reminders == (
        Duration(1, Unit.day), Duration(4, Unit.hour), Duration(30, Unit.minute),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{field: health.score, above: 70}", Compare("health.score", Op.above, 70)),
        ("{field: health.score, at_least: 70.5}", Compare("health.score", Op.at_least, 70.5)),
        ("{field: billing.issue_open, is: true}", Compare("billing.issue_open", Op.equals, True)),
        (
            "{field: account.tier, in: [growth, stable]}",
            Compare("account.tier", Op.one_of, ("growth", "stable")),
        ),
        (
            "{field: account.renewal_date, within: 2 weeks}",
            Compare("account.renewal_date", Op.within_days, 14),
        ),
        (
            "{field: touch.last_at, older_than: 30 days}",
            Compare("touch.last_at", Op.older_than_days, 30),
        ),
        ("{field: nps.last_score, known: false}", Compare("nps.last_score", Op.known, False)),
        ("{field: start.alert, is: score}", Compare("start.alert", Op.equals, "score")),
        ("{field: custom.region, is: 3}", Compare("custom.region", Op.equals, 3)),
        ("{step: decide, choice: go}", StepIs("decide", "choice", "go")),
        ("{step: call, status: waived}", StepIs("call", "status", "waived")),
        (
            "{all: [{step: call, status: open}, {not: {step: call, status: open}}]}",
            AllOf((StepIs("call", "status", "open"), Not(StepIs("call", "status", "open")))),
        ),
        ("{any: [{step: call, status: open}]}", AnyOf((StepIs("call", "status", "open"),))),
    ],
)
def test_conditions(text: str, expected: object) -> None:
    assert condition(text) == expected


def test_exits_are_tried_success_first_and_their_code_is_the_outcome_by_default() -> None:
    text = EXAMPLE.replace(
        "failure: {step: decide, choice: stop}",
        "neutral: {code: moot, after: call, held_for: 2 days, when: {field: health.score, above: 3}}"
        "\n  failure:\n    - {step: decide, choice: stop}"
        "\n    - {code: churned, field: account.stage, is: churned}",
    )
    exits = parse(text).exits
    assert [(each.outcome, each.code) for each in exits] == [
        (OutcomeKind.success, "success"),
        (OutcomeKind.failure, "failure"),
        (OutcomeKind.failure, "churned"),
        (OutcomeKind.neutral, "moot"),
    ]
    assert exits[0].required_done
    assert exits[0].after == ("check-in",)
    assert exits[3].held_for == Duration(2, Unit.day)


def test_an_expected_outcome_keeps_its_own_within() -> None:
    text = EXAMPLE.replace(
        "phases:\n",
        "expected_outcome: {field: health.score, above: 70, within: 8 weeks}\nphases:\n",
    )
    assert parse(text).expected_outcome == ExpectedOutcome(
        Compare("health.score", Op.above, 70), Duration(8, Unit.week)
    )


def test_only_ladders_that_are_used_are_embedded() -> None:
    text = EXAMPLE.replace("due: phase end", "due: phase end\n        escalation: house")
    definition = parse(text, parse_ladders(LADDERS, "ladders.yaml"))
    assert [ladder.key for ladder in definition.ladders] == ["calm", "house"]
    (level,) = definition.ladders[1].levels
    assert level.tell == (
        Recipient(RecipientKind.role, Role.director),
        Recipient(RecipientKind.manager),
        Recipient(RecipientKind.contact),
    )
    assert (level.takes_over, level.urgent) == (Role.director, False)


def test_a_ladder_of_its_own_wins_over_one_of_the_same_name() -> None:
    shared = parse_ladders(LADDERS.replace("house:", "calm:"), "ladders.yaml")
    assert [len(ladder.levels) for ladder in parse(EXAMPLE, shared).ladders] == [2]


def test_it_reads_every_field_that_is_named_anywhere_but_no_parameters() -> None:
    text = EXAMPLE.replace(
        "- {field: held_on, type: date}", "- {field: n, type: number, prefill: ticket.open}"
    )
    text = text.replace("due: 1 week", "due: 60 days before account.renewal_date")
    text = text.replace(
        "{step: decide, choice: go}",
        "{all: [{step: decide, choice: go}, {field: start.alert, is: x}]}",
    )
    assert parse(text).reads == ("account.renewal_date", "health.score", "ticket.open")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("kind: approval\n        approver: director", StepKind.approval),
        ("kind: hand_off\n        hand_off: {to: support, accept_within: 1 day}", StepKind.hand_off),
        ("kind: mail\n        approver: director\n        send: {event: a}", StepKind.mail),
        ("kind: notify\n        send: {event: a, tell: [csm, manager]}", StepKind.notify),
        ("kind: webhook\n        send: {event: a, waits_for_result: true}", StepKind.webhook),
        ("kind: crm_update\n        send: {event: a.b, fields: account.arr}", StepKind.crm_update),
        ("kind: survey\n        survey: {kind: nps, closes_after: 9 days}", StepKind.survey),
        ("kind: wait\n        wait: {for: 3 days}", StepKind.wait),
        ("kind: wait\n        wait: {until: account.renewal_date}", StepKind.wait),
        (
            "kind: wait\n        wait: {condition: {field: health.score, above: 3}, at_most: 9 days}",
            StepKind.wait,
        ),
        ("kind: start_playbook\n        starts_playbook: expansion", StepKind.start_playbook),
    ],
)  # fmt: skip
def test_every_kind_can_be_written(words: str, kind: StepKind) -> None:
    text = EXAMPLE.replace("kind: branch", words)
    text = text.replace("        choices: {go: Go on, stop: Stop}\n", "")
    if kind not in (StepKind.approval, StepKind.hand_off, StepKind.mail):
        text = text.replace("        due: phase end\n", "")
    text = text.replace("choice: go", "status: completed").replace(
        "choice: stop", "status: expired"
    )
    assert parse(text).steps()[1].kind is kind


def test_an_approval_offers_to_approve_and_to_decline() -> None:
    text = EXAMPLE.replace("kind: branch", "kind: approval\n        approver: director")
    text = text.replace("        choices: {go: Go on, stop: Stop}\n", "")
    text = text.replace("choice: go", "choice: approved").replace(
        "choice: stop", "choice: declined"
    )
    assert parse(text).steps()[1].choices == (
        Choice("approved", "Approve"), Choice("declined", "Decline"),
    )  # fmt: skip


def test_a_branch_on_data_has_cases() -> None:
    cases = "cases: [{choice: go, when: {field: health.score, above: 70}}, {choice: stop}]"
    text = EXAMPLE.replace("choices: {go: Go on, stop: Stop}", cases)
    assert parse(text.replace("        due: phase end\n", "")).steps()[1].cases == (
        Case("go", Compare("health.score", Op.above, 70)), Case("stop", None),
    )  # fmt: skip


def test_a_ladder_file_has_its_faults_in_their_places() -> None:
    with pytest.raises(PlaybookInvalid) as refused:
        parse_ladders(LADDERS.replace("tell: ops", "tell: opps"), "ladders.yaml")
    (found,) = refused.value.findings
    assert (found.line, found.column, found.code) == (8, 29, "unknown_role")


def test_parameters_are_names_or_name_what_is_allowed() -> None:
    assert parse(EXAMPLE).allowed_codes("alert") is None
    limited = parse(EXAMPLE.replace("[alert]", "{alert: [score, payment], source: any}"))
    assert limited.parameters == ("alert", "source")
    assert limited.allowed_codes("alert") == ("score", "payment")
    assert limited.allowed_codes("source") is None
