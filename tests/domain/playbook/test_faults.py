"""Every fault is found where it stands: "§" marks the place in the changed example."""
# ruff: noqa: E501  (one fault a line reads better than the limit)

from __future__ import annotations

import pytest

from domain.playbook.check import not_supported
from domain.playbook.definition import StepKind
from domain.playbook.parse import parse_located
from tests.domain.playbook.example import EXAMPLE, KNOWN_PLAYBOOKS, findings, parse

MARK = "§"
FIRST_EVIDENCE = "          - {field: held_on, type: date}"
EXITS = "success: {field: health.score, above: 70, after: check-in, required_done: true}"
FAILURE = "failure: {step: decide, choice: stop}"

Edit = tuple[str, str]
FAULTS: list[tuple[str, list[Edit]]] = [
    # names
    ("unknown_role", [("owner: csm", "owner: §csn")]),
    ("unknown_role", [("tell: director}", "tell: §boss}")]),
    ("unknown_key", [("        due: 48", "        §deu: 48")]),
    ("unknown_key", [("below: 70}", "§beloww: 70}")]),
    ("unknown_field", [("{field: health.score, below", "{field: §health.scor, below")]),
    ("unknown_field", [("subject: account", "subject: team"), ("{field: health", "{field: §health")]),
    ("unknown_fact", [("on: [health.scored]", "on: [§health.counted]")]),
    ("unknown_ladder", [("escalation: calm", "escalation: §clam")]),
    ("unknown_playbook", [("[expansion]", "[§expandsion]")]),
    ("own_playbook", [("[expansion]", "[§example]")]),
    ("unknown_step", [("after: call", "after: §cal")]),
    ("unknown_choice", [("choice: go}", "choice: §gone}")]),
    ("unknown_choice", [("{step: decide, choice: go}", "{step: call, choice: §go}")]),
    ("unknown_status", [("choice: go}", "status: §finished}")]),
    ("unknown_kind", [("kind: branch", "kind: §fork")]),
    ("unknown_type", [("type: date", "type: §dates")]),
    ("unknown_subject", [("subject: account", "subject: §acount")]),
    ("unknown_parameter", [("{field: health.score, below: 70}", "{field: §start.cause, is: a}")]),
    ("unknown_parameter", [("suspends:", "concurrency_key: §alarm\nsuspends:")]),
    ("unknown_value", [("[alert]", "{alert: [score, payment]}"), ("{field: health.score, below: 70}", "{field: start.alert, is: §payed}")]),
    ("unknown_value", [("[alert]", "{alert: [score, payment]}"), ("{field: health.score, below: 70}", "{field: start.alert, in: §[score, late]}")]),
    ("bad_parameter", [("[alert]", "{alert: [§Score]}")]),
    ("bad_parameter", [("[alert]", "{§Alert: any}")]),
    ("list_length", [("[alert]", "{alert: §[]}")]),
    # forms
    ("missing_key", [("- step: call\n        title: Call\n", "- §step: call\n")]),
    ("missing_key", [(f"  {EXITS}\n", ""), ("failure:", "§failure:")]),
    ("empty_value", [("due: 48 hours", "§due:")]),
    ("bad_key", [("step: call", "step: §Call!")]),
    ("bad_time", [("due: 48 hours", "due: §48")]),
    ("bad_time", [("due: 48 hours", "due: §48 hrs")]),
    ("bad_time", [("due: 48 hours", "due: §2 days after tea")]),
    ("bad_time", [("due: 48 hours", "due: §9999999 days")]),
    ("bad_time", [("due: 48 hours", "due: §-3 hours")]),
    ("bad_time", [("starts: week 3", "starts: §week 0")]),
    ("not_a_flag", [("required: true\n", "required: §yes\n")]),
    ("not_a_number", [("parameters: [alert]", "precedence: §high")]),
    ("number_range", [("parameters: [alert]", "precedence: §1001")]),
    ("number_range", [("parameters: [alert]", "precedence: §1.5")]),
    ("not_text", [("name: Example", "name: §12")]),
    ("text_length", [("name: Example", "name: §" + "x" * 201)]),
    ("not_a_list", [("{step: decide, choice: go}", "{all: §3}")]),
    ("list_length", [("on: [health.scored]", "on: §[]")]),
    ("not_a_mapping", [(FIRST_EVIDENCE, "          - §held_on")]),
    ("bad_condition", [("{field: health.score, below: 70}", "§{field: health.score}")]),
    ("bad_condition", [("{step: decide, choice: go}", "§{choice: go}")]),
    ("bad_condition", [("{step: decide, choice: go}", "§{step: decide}")]),
    ("bad_condition", [("choice: go}", "choice: go, §below: 3}")]),
    ("bad_condition", [(FAILURE, "failure: {step: decide, choice: stop, when: §{not: {step: call, status: open}}}")]),
    ("bad_operand", [("below: 70}", "below: §low}")]),
    ("bad_operand", [("score, below: 70}", "score, in: §[]}")]),
    ("field_type", [("below: 70}", "is: §bad}")]),
    ("field_type", [("score, below: 70}", "score, within: §3 days}")]),
    ("field_type", [("due: 48 hours", "due: §2 days before health.score")]),
    ("bad_code", [("failure: {", "failure: {code: §Not-Good, ")]),
    ("bad_evidence_key", [("field: held_on", "field: §Held-On")]),
    # steps
    ("duplicate_step", [("step: check-in", "step: §call")]),
    ("duplicate_phase", [("phase: second", "phase: §first")]),
    ("duplicate_evidence", [(FIRST_EVIDENCE, "          §- {field: mood, type: date}")]),
    ("evidence_choices", [(FIRST_EVIDENCE, "          §- {field: held_on, type: choice}")]),
    ("evidence_bounds", [(FIRST_EVIDENCE, "          §- {field: on, type: date, minimum: 3}")]),
    ("evidence_prefill", [(FIRST_EVIDENCE, "          §- {field: on, type: date, prefill: health.score}")]),
    ("misplaced_key", [("required: true\n", "required: true\n        survey: §{kind: nps, closes_after: 1 day}\n")]),
    ("misplaced_key", [("kind: branch", "kind: wait\n        wait: {for: 1 day}"), ("due: phase", "due: §phase")]),
    ("missing_key", [("kind: branch", "kind: §hand_off")]),
    ("missing_key", [("kind: branch", "kind: §approval")]),
    ("bad_wait", [("kind: branch", "kind: wait\n        wait: §{for: 1 day, until: week 2}")]),
    ("bad_wait", [("kind: branch", "kind: wait\n        wait: §{condition: {field: health.score, below: 3}}")]),
    ("bad_branch", [("kind: branch", "kind: §branch"), ("        choices: {go: Go on, stop: Stop}\n", "")]),
    ("one_choice", [("choices: {go: Go on, stop: Stop}", "choices: §{go: Go on}")]),
    ("no_other_case", [("choices: {go: Go on, stop: Stop}", "cases:\n          §- {choice: go, when: {field: health.score, below: 3}}")]),
    ("case_order", [("choices: {go: Go on, stop: Stop}", "cases:\n          §- {choice: go}\n          - {choice: stop}")]),
    ("unused_choice", [("choices: {go", "choices: §{go"), ("choice: go}", "status: open}"), ("choice: stop}", "status: open}")]),
    ("required_without_due", [("        due: 48 hours\n        reminders: 4 hours\n", ""), ("required: true\n", "required: §true\n")]),
    ("reminder_without_due", [("        due: 48 hours\n", ""), ("reminders: 4", "reminders: §4")]),
    ("reminder_before_opening", [("reminders: 4 hours", "reminders: §3 days")]),
    ("reminder_after_close", [("kind: branch", "kind: survey\n        survey: §{kind: nps, reminder_after: 3 days, closes_after: 2 days}")]),
    ("no_ladder", [("escalation: calm\n", ""), ("due: 48", "due: §48")]),
    ("endless_repeat", [("    ends: week 4\n", ""), ("repeat: {", "repeat: §{")]),
    ("endless_repeat", [("repeat: {every: 1 week", "repeat: §{every: 0 days")]),
    # times
    ("due_before_opening", [("due: phase end", "due: §12 hours after phase start")]),
    ("due_before_opening", [("due: phase end", "due: §1 day before step call")]),
    ("due_before_opening", [("due: 1 week\n", "due: §week 2\n")]),
    ("due_before_opening", [("due: 48 hours", "due: §1 day before start")]),
    ("due_before_opening", [("due: 48 hours", "due: §1 day before open")]),
    ("no_phase_end", [("    ends: week 2\n", ""), ("due: phase end", "due: §phase end")]),
    ("phase_ends_before_start", [("ends: week 4", "ends: §week 2")]),
    ("phase_order", [("week 3", "§week 1"), ("starts: week 1", "starts: week 2")]),
    ("opens_from_opening", [("opens: 1 day after phase start", "opens: §1 day after open")]),
    # order
    ("circle", [("required: true\n", "required: true\n        after: §decide\n")]),
    ("circle", [("after: call\n", "after: §decide\n")]),
    ("unreachable_step", [("required: true\n", "required: true\n        after: §check-in\n")]),
    ("read_before_closed", [("        after: decide\n", ""), ("{step: decide, choice: go}", "§{step: decide, choice: go}")]),
    # the whole
    ("duplicate_exit_code", [(FAILURE, "failure: §{code: success, step: decide, choice: stop}")]),
    ("empty_exit", [(FAILURE, "failure: §{code: lost}")]),
    ("held_without_condition", [(FAILURE, "failure: §{after: call, held_for: 2 days}")]),
    ("nothing_required", [("        required: true\n", ""), (EXITS, EXITS.replace("{", "§{"))]),
    ("empty_trigger", [("  on: [health.scored]\n  when: {field: health.score, below: 70}", "  §cooldown: 3 days")]),
    ("bad_schedule", [("  on: [health.scored]\n", "  §schedule: every monday\n")]),
    ("unused_ladder", [("  calm:\n", "  §wild: {acknowledged_for: 1 day, levels: [{after: 1 day, tell: csm}]}\n  calm:\n")]),
    ("ladder_order", [("  calm:", "  §calm:"), ("after: 0 hours", "after: 3 days")]),
    ("duplicate_parameter", [("parameters: [alert]", "parameters: §[alert, alert]")]),
    ("missing_key", [("phases:\n", "expected_outcome: §{within: 3 days}\nphases:\n")]),
]  # fmt: skip


def test_the_example_itself_is_right() -> None:
    assert findings(EXAMPLE) == []


@pytest.mark.parametrize(
    ("code", "edits"), FAULTS, ids=[f"{n}-{code}" for n, (code, _) in enumerate(FAULTS)]
)
def test_a_fault_is_found_where_it_stands(code: str, edits: list[Edit]) -> None:
    marked = EXAMPLE
    for old, new in edits:
        assert old in marked
        marked = marked.replace(old, new, 1)
    before = marked[: marked.index(MARK)]
    place = before.count("\n") + 1, len(before) - before.rfind("\n")

    found = [each for each in findings(marked.replace(MARK, "")) if each.code == code]

    assert place in [(each.line, each.column) for each in found], found
    assert all(each.message and each.fix and each.file == "example.yaml" for each in found)


def test_all_faults_are_found_at_once_in_the_order_of_the_text() -> None:
    text = EXAMPLE.replace("owner: csm", "owner: csn").replace("kind: branch", "kind: fork")
    found = findings(text)
    assert {"unknown_role", "unknown_kind"} <= {each.code for each in found}
    assert [each.line for each in found] == sorted(each.line for each in found)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("owner: csn", '"csm"'), ("ownr: csm", '"owner"'), ("ovner: csm", '"owner"')],
)
def test_the_nearest_known_word_is_suggested(wrong: str, meant: str) -> None:
    assert any(meant in each.fix for each in findings(EXAMPLE.replace("owner: csm", wrong)))


def test_a_circle_is_reported_once_with_its_way() -> None:
    text = EXAMPLE.replace("required: true\n", "required: true\n        after: decide\n")
    (circle,) = [each for each in findings(text) if each.code == "circle"]
    assert "call after decide after call" in circle.message


def test_what_is_not_executed_yet_is_parsed_but_listed_with_its_place() -> None:
    text = EXAMPLE.replace(
        "kind: branch", "kind: start_playbook\n        starts_playbook: expansion"
    )
    text = text.replace("        due: phase end\n        choices: {go: Go on, stop: Stop}\n", "")
    text = text.replace("{step: decide, choice: go}", "{step: decide, status: completed}")
    text = text.replace("{step: decide, choice: stop}", "{step: decide, status: expired}")
    parsed = parse_located(text, "example.yaml", {}, KNOWN_PLAYBOOKS)
    assert parsed.definition.steps()[1].kind is StepKind.start_playbook
    (finding,) = not_supported(parsed.definition, "example.yaml", parsed.nodes)
    assert finding.code == "not_supported_yet"
    assert text.splitlines()[finding.line - 1][finding.column - 1 :] == "start_playbook"


def test_a_right_playbook_uses_nothing_that_is_not_executed() -> None:
    assert not_supported(parse(EXAMPLE)) == []
