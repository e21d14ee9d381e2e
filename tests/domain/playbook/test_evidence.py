"""Completing asks for evidence of every type, and facts fill in what they know."""

from __future__ import annotations

from math import inf, nan

import pytest

from domain.errors import Refused
from domain.playbook.definition import EvidenceType, Value
from domain.playbook.state import StepStatus
from tests.domain.playbook.definitions import days, decision, evidence, of_steps, task, within
from tests.domain.playbook.scenario import scenario

CODED: list[tuple[EvidenceType, list[Value], list[Value]]] = [
    (EvidenceType.number, [0, 7.5, 10], [-1, 10.5, "7", True, nan, inf]),
    (EvidenceType.choice, ["high", "low"], ["medium", "", 1]),
    (EvidenceType.date, ["2026-11-22"], ["22.11.2026", "soon", 20261122]),
    (EvidenceType.datetime, ["2026-11-22T10:00:00Z"], ["10:00 tomorrow", 5]),
]
ROWS = sorted(set(EvidenceType) - {kind for kind, _, _ in CODED})
OUTREACH = of_steps(
    task(
        "call",
        evidence=(
            evidence("meeting", EvidenceType.touch),
            evidence("score", EvidenceType.number, minimum=0, maximum=10),
            evidence("note", EvidenceType.text, required=False),
        ),
        completes_on=("touch.meeting",),
        prefills_on=("touch.call",),
    ),
    task("mail"),
)


class TestCodedEvidence:
    @pytest.mark.parametrize(("kind", "good", "bad"), CODED, ids=lambda x: getattr(x, "value", ""))
    def test_is_checked(self, kind: EvidenceType, good: list[Value], bad: list[Value]) -> None:
        bounds = {"minimum": 0.0, "maximum": 10.0} if kind is EvidenceType.number else {}
        choices = ("high", "low") if kind is EvidenceType.choice else ()
        form = (evidence("field", kind, choices=choices, **bounds),)
        rescue = of_steps(task("call", evidence=form))
        for value in good:
            run = scenario(rescue).starts().completes("call", answers={"field": value})
            assert run.step("call").answers == {"field": value}
        for value in bad:
            run = scenario(rescue).starts().completes("call", answers={"field": value})
            run.expects_refusal("evidence_invalid").expects("call", StepStatus.open)

    def test_is_not_replaced_by_a_row(self) -> None:
        rescue = of_steps(task("call", evidence=(evidence("field", EvidenceType.number),)))
        run = scenario(rescue).starts().completes("call", evidence={"field": "row"})
        run.expects_refusal("evidence_missing")


class TestWordsFilesAndPeople:
    @pytest.mark.parametrize("kind", ROWS)
    def test_are_rows_named_by_id(self, kind: EvidenceType) -> None:
        rescue = of_steps(task("call", evidence=(evidence("field", kind),)))
        run = scenario(rescue).starts().completes("call", answers={"field": "words"})
        run.expects_refusal("evidence_missing").completes("call", evidence={"field": "row:1"})
        assert run.step("call").evidence == {"field": "row:1"}

    def test_never_go_into_the_state_as_words(self) -> None:
        run = scenario(OUTREACH).starts()
        run.completes(
            "call", answers={"note": "angry", "score": 5}, evidence={"meeting": "row:1"}
        ).expects_refusal("evidence_invalid")


class TestForms:
    def test_say_everything_that_is_missing(self) -> None:
        run = scenario(OUTREACH).starts().completes("call")
        refusal = run.refusal
        assert isinstance(refusal, Refused)
        assert refusal.details["fields"] == ["meeting", "score"]
        assert '"Meeting", "Score"' in refusal.message
        run.expects_refusal("evidence_missing")

    def test_take_nothing_they_did_not_ask_for(self) -> None:
        run = scenario(of_steps(task("call"))).starts().completes("call", answers={"mood": 1})
        run.expects_refusal("evidence_unknown").completes("call", evidence={"mood": "row"})
        run.expects_refusal("evidence_unknown").completes("call", choice="yes")
        run.expects_refusal("choice_invalid")

    def test_optional_fields_may_stay_empty(self) -> None:
        run = scenario(OUTREACH).starts()
        run.completes("call", answers={"score": 5}, evidence={"meeting": "row:1"})
        run.expects("call", StepStatus.completed)

    def test_keep_what_was_given_when_the_step_is_reopened(self) -> None:
        run = scenario(OUTREACH).starts()
        run.completes("call", answers={"score": 5}, evidence={"meeting": "row:1"})
        run.reopens("call").completes("call", answers={"score": 6})
        assert run.step("call").answers == {"score": 6}


class TestFacts:
    def test_complete_a_step_when_they_are_all_it_asks_for(self) -> None:
        run = scenario(OUTREACH).starts().fast_forward(hours=2)
        run.learns_fact("touch.meeting", answers={"score": 7, "mood": "good"})
        run.expects("call", StepStatus.completed)
        assert run.step("call").answers == {"score": 7}
        assert run.step("call").evidence["meeting"].startswith("fact:")

    def test_fill_in_what_they_know_and_leave_the_rest_to_a_person(self) -> None:
        run = scenario(OUTREACH).starts().fast_forward(hours=2).learns_fact("touch.meeting")
        run.expects("call", StepStatus.open).completes("call", answers={"score": 3})
        run.expects("call", StepStatus.completed)

    def test_that_only_pre_fill_complete_nothing(self) -> None:
        run = scenario(OUTREACH).starts().learns_fact("touch.call", answers={"score": 7})
        run.expects("call", StepStatus.open)
        assert run.step("call").answers == {"score": 7}

    def test_that_do_not_fit_the_form_are_left_out(self) -> None:
        run = scenario(OUTREACH).starts().learns_fact("touch.meeting", answers={"score": 99})
        run.expects("call", StepStatus.open)
        assert run.step("call").answers == {}

    def test_from_before_the_step_opened_are_not_its_answer(self) -> None:
        run = scenario(of_steps(task("call", completes_on=("touch",)))).starts()
        run.learns_fact("touch.meeting", occurred="2026-03-02 08:59")
        run.expects("call", StepStatus.open).learns_fact("touch.meeting")
        run.expects("call", StepStatus.completed)

    def test_answer_the_step_that_has_waited_longest(self) -> None:
        rescue = of_steps(
            task("call", after=("mail",), completes_on=("touch",)),
            task("visit", completes_on=("touch",)),
            task("mail"),
        )
        run = scenario(rescue).starts().fast_forward(hours=1).completes("mail")
        run.fast_forward(hours=1).learns_fact("touch.meeting").expects_open("call")

    def test_answer_the_step_they_complete_before_one_they_only_fill_in(self) -> None:
        rescue = of_steps(
            task("note", prefills_on=("touch",)), task("visit", completes_on=("touch",))
        )
        scenario(rescue).starts().learns_fact("touch.meeting").expects_open("note")

    def test_are_judged_by_when_they_happened(self) -> None:
        call = of_steps(task("call", completes_on=("touch",), due=within(days(2))))
        run = scenario(call).starts().at("2026-03-09 08:00")
        run.learns_fact("touch.meeting", occurred="2026-03-03 15:00")
        run.expects_closed("call", logged_late=True)

    def test_do_not_decide_in_the_place_of_a_person(self) -> None:
        rescue = of_steps(decision("triage", "yes", "no", completes_on=("touch",)))
        run = scenario(rescue).starts().learns_fact("touch.meeting")
        run.expects("triage", StepStatus.open)

    def test_of_another_kind_are_no_matter(self) -> None:
        run = scenario(of_steps(task("call", completes_on=("touch.meeting",)))).starts()
        run.learns_fact("touch.meetings").learns_fact("touch").expects_open("call")
