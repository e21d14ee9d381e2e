"""The numbers of the source documents, one by one, as PLAYBOOKS.md section A lists them."""

from __future__ import annotations

import pytest

from domain.playbook.codec import definition_to_json
from domain.playbook.definition import (
    Anchor,
    Compare,
    Duration,
    ExpectedOutcome,
    Op,
    OutcomeKind,
    Recipient,
    RecipientKind,
    Role,
    Step,
    StepIs,
    StepKind,
    Unit,
)
from domain.playbook.grammar import parse_phase_bound, parse_time
from playbooks.library import shipped, shipped_ladders

AT_RISK, EXPANSION = "at-risk-intervention", "expansion"
ALERT, DETRACTOR, HAND_OVER = "critical-alert", "detractor-response", "hand-over"

PHASES = [
    # playbook, phase, starts, ends, seed and section
    (AT_RISK, "assessment", "week 1", "week 1", "seed 002, Assessment Phase (Week 1)"),
    (AT_RISK, "intervention", "week 2", "week 4", "seed 002, Intervention Phase (Weeks 2-4)"),
    (AT_RISK, "resolution", "week 5", "week 8", "seed 002, Resolution Phase (Weeks 5-8)"),
    (EXPANSION, "preparation", "week 1", "week 1", "seed 002, Week 1"),
    (EXPANSION, "conversation", "week 2", "week 2", "seed 002, Week 2"),
    (EXPANSION, "proposal", "week 3", "week 3", "seed 002, Week 3"),
    (EXPANSION, "decision", "week 4", "week 4", "seed 002, Week 4"),
    (EXPANSION, "closing", "week 5", "week 5", "seed 002, Week 5"),
]

DUE = [
    # playbook, step, due, seed and section
    (AT_RISK, "review-history", "2 business days", "our choice"),
    (AT_RISK, "analyse-usage", "phase end", "seed 002, Assessment Phase 2"),
    (AT_RISK, "review-tickets", "phase end", "seed 002, Assessment Phase 3"),
    (AT_RISK, "assess-renewal", "phase end", "seed 002, Assessment Phase 4"),
    (AT_RISK, "set-priority", "phase end", "seed 002, Assessment Phase 5"),
    (AT_RISK, "outreach", "48 hours after phase start", "seed 002, Intervention Phase 1"),
    (AT_RISK, "discovery-call", "5 business days", "our choice"),
    (AT_RISK, "action-plan", "3 business days", "our choice"),
    (AT_RISK, "choose-resources", "1 business day", "our choice"),
    (AT_RISK, "assign-technical", "1 business day", "our choice"),
    (AT_RISK, "assign-training", "1 business day", "our choice"),
    (AT_RISK, "assign-product", "1 business day", "our choice"),
    (AT_RISK, "weekly-check-in", "1 week", "seed 002, Intervention Phase 5"),
    (AT_RISK, "confirm-recovery", "phase end", "seed 002, Resolution Phase 1"),
    (AT_RISK, "document-strategies", "3 business days", "our choice"),
    (AT_RISK, "set-cadence", "5 business days", "our choice"),
    (AT_RISK, "monthly-monitoring", "3 business days", "our choice"),
    (AT_RISK, "share-learnings", "5 business days", "our choice"),
    (AT_RISK, "week-8-decision", "2 business days", "our choice"),
    (EXPANSION, "health-check", "1 business day", "our choice"),
    *((EXPANSION, step, "phase end", f"seed 002, Week {week}") for week, steps in {
        1: ["usage-trends", "roi", "premium-features", "pricing-comparison"],
        2: ["hold-conversation", "show-premium-value", "success-stories", "gauge-interest",
            "decision-makers"],
        3: ["proposal", "roi-case", "prepare-demo", "coordinate-sales"],
        4: ["demo", "answer-questions", "implementation-timeline", "migration-plan",
            "decision-date"],
        5: ["decision", "finalize-terms", "upgrade-account", "schedule-training"],
    }.items() for step in steps),
    (EXPANSION, "hand-off", "1 business day", "our choice"),
    (EXPANSION, "watch-adoption", "2 weeks after step upgrade-account", "our choice"),
    (EXPANSION, "watch-satisfaction", "2 weeks after step upgrade-account", "our choice"),
    (ALERT, "brief-director", "24 hours after start", "seed 002, Critical Alert Triggers 2"),
    (ALERT, "review-ticket", "4 hours after start", "seed 002, Critical Alert Triggers 4"),
    (ALERT, "check-payment", "1 business day", "our choice"),
    (ALERT, "acknowledge", "2 hours after start", "seed 002, Alert Response Protocol 1"),
    (ALERT, "assess", "4 hours after start", "seed 002, Alert Response Protocol 2"),
    (ALERT, "action-plan", "24 hours after start", "seed 002, Alert Response Protocol 3"),
    (ALERT, "contact-customer", "48 hours after start", "seed 002, Alert Response Protocol 4"),
    (ALERT, "begin-intervention", "48 hours after start", "seed 002, Alert Response Protocol 4"),
    (ALERT, "confirm-resolution", "72 hours after start", "seed 002, Alert Response Protocol 5"),
    (ALERT, "monitor-recovery", "72 hours after start", "seed 002, Alert Response Protocol 5"),
    (DETRACTOR, "contact-detractor", "24 hours after start", "Detractor Response Protocol 1"),
    (DETRACTOR, "root-cause", "48 hours after start", "Detractor Response Protocol 2"),
    (DETRACTOR, "action-plan", "72 hours after start", "Detractor Response Protocol 3"),
    (DETRACTOR, "engage-executive", "2 business days", "Detractor Response Protocol 4"),
    (HAND_OVER, "accept", "1 business day", "our choice"),
]  # fmt: skip


def step(playbook: str, key: str) -> Step:
    return next(each for each in shipped()[playbook].definition.steps() if each.key == key)


@pytest.mark.parametrize(("playbook", "phase", "starts", "ends", "source"), PHASES)
def test_phases_run_in_the_weeks_of_the_seed(
    playbook: str, phase: str, starts: str, ends: str, source: str
) -> None:
    found = next(each for each in shipped()[playbook].definition.phases if each.key == phase)
    assert found.starts == parse_phase_bound(starts, "beginning")
    assert found.ends == parse_phase_bound(ends, "end")
    assert source in found.source


@pytest.mark.parametrize(("playbook", "key", "due", "source"), DUE)
def test_steps_are_due_as_the_seed_says(playbook: str, key: str, due: str, source: str) -> None:
    found = step(playbook, key)
    assert found.due == parse_time(due, Anchor.opening, "end")
    assert source in found.source


@pytest.mark.parametrize("playbook", sorted(shipped()))
class TestEveryShippedPlaybook:
    def test_has_the_five_elements_of_seed_001(self, playbook: str) -> None:
        definition = shipped()[playbook].definition
        assert definition.trigger is not None
        assert any(each.required and each.due for each in definition.steps())
        assert isinstance(definition.expected_outcome, ExpectedOutcome)
        assert {OutcomeKind.success, OutcomeKind.failure} <= {x.outcome for x in definition.exits}

    def test_says_where_every_due_time_comes_from(self, playbook: str) -> None:
        for each in shipped()[playbook].definition.steps():
            assert each.source, each.key

    def test_has_business_time_reminders_and_a_ladder(self, playbook: str) -> None:
        definition = shipped()[playbook].definition
        business = {Unit.business_hour, Unit.business_day}
        assert any(each.due and each.due.offset.unit in business for each in definition.steps())
        assert any(each.reminders for each in definition.steps())
        assert definition.escalation in {ladder.key for ladder in definition.ladders}

    def test_is_named_by_its_file(self, playbook: str) -> None:
        assert shipped()[playbook].file == f"{playbook}.yaml"
        assert definition_to_json(shipped()[playbook].definition)["key"] == playbook


def test_every_shipped_ladder_is_used_and_says_where_it_comes_from() -> None:
    used = {each.definition.escalation for each in shipped().values()}
    assert used == set(shipped_ladders())
    assert all(ladder.source for ladder in shipped_ladders().values())


class TestAtRiskIntervention:
    """Seed 002, At-Risk Account Management Process."""

    definition = shipped()[AT_RISK].definition

    def test_success_is_a_score_of_more_than_70_with_the_required_steps_done(self) -> None:
        (success,) = [x for x in self.definition.exits if x.outcome is OutcomeKind.success]
        assert success.when == Compare("health.score", Op.above, 70)
        assert success.required_done
        assert success.after == ("confirm-recovery",)

    def test_is_expected_within_eight_weeks(self) -> None:
        assert self.definition.expected_outcome is not None
        assert self.definition.expected_outcome.within == Duration(8, Unit.week)

    def test_churn_is_failure(self) -> None:
        assert any(
            x.outcome is OutcomeKind.failure
            and x.when == Compare("account.stage", Op.equals, "churned")
            for x in self.definition.exits
        )

    def test_checks_in_weekly_until_the_phase_ends_and_a_meeting_or_call_does_it(self) -> None:
        check_in = step(AT_RISK, "weekly-check-in")
        assert check_in.repeat is not None
        assert check_in.repeat.every == Duration(1, Unit.week)
        assert check_in.repeat.until_phase_end
        assert set(check_in.completes_on) == {"touch.meeting", "touch.call"}

    def test_resources_are_accepted_by_who_gives_them(self) -> None:
        receivers = {
            each.hand_off.to for each in self.definition.steps() if each.hand_off is not None
        }
        assert receivers == {Role.support, Role.product}

    def test_the_director_decides_twice_and_an_extension_has_four_weeks(self) -> None:
        first, second = step(AT_RISK, "week-8-decision"), step(AT_RISK, "final-decision")
        assert {first.owner, second.owner} == {Role.director}
        assert first.opens == parse_time("phase end", Anchor.phase_start, "beginning")
        assert [choice.key for choice in first.choices] == ["extend", "fail"]
        assert second.opens == parse_time(
            "4 weeks after step week-8-decision", Anchor.phase_start, "beginning"
        )

    def test_suspends_expansion(self) -> None:
        assert self.definition.suspends == (EXPANSION,)


class TestExpansion:
    """Seed 002, Expansion; seed 001, the explicit hand-off."""

    definition = shipped()[EXPANSION].definition

    def test_the_account_manager_is_told_at_the_start(self) -> None:
        first = self.definition.phases[0].steps[0]
        assert first.kind is StepKind.notify
        assert first.outgoing is not None
        assert first.outgoing.tell == (Recipient(RecipientKind.role, Role.account_manager),)

    def test_no_proposal_work_before_the_hand_off_is_accepted(self) -> None:
        hand_off = step(EXPANSION, "hand-off")
        assert hand_off.hand_off is not None
        assert hand_off.hand_off.to is Role.account_manager
        proposal = next(x for x in self.definition.phases if x.key == "proposal")
        assert all("hand-off" in each.after for each in proposal.steps)
        assert {each.owner for each in proposal.steps} == {Role.account_manager}

    def test_gates_and_signals_have_the_numbers_of_the_seed(self) -> None:
        text = shipped()[EXPANSION].source
        for number in (
            "{field: health.score, above: 85}",
            "{field: usage.months_at_80, at_least: 2}",
            "{field: usage.limit_ratio, at_least: 85}",
            "{field: billing.issue_open, is: false}",
        ):
            assert number in text

    def test_not_now_needs_a_date_to_come_back(self) -> None:
        (not_now,) = [x for x in self.definition.exits if x.outcome is OutcomeKind.neutral]
        assert not_now.code == "not_now"
        for key in ("come-back-after-check", "come-back-after-conversation"):
            assert [each.key for each in step(EXPANSION, key).evidence] == ["come_back_on"]


class TestCriticalAlert:
    """Seed 002, Critical Alert Triggers."""

    definition = shipped()[ALERT].definition

    def test_alerts_of_different_kinds_run_side_by_side(self) -> None:
        assert self.definition.concurrency_key == "alert"

    @pytest.mark.parametrize(
        ("alert", "told"),
        [
            ("inactive", {Role.csm}),
            ("score", {Role.director, Role.csm}),
            ("payment", {Role.csm, Role.finance}),
            ("ticket", {Role.csm}),
        ],
    )
    def test_each_alert_is_told_at_once_to_who_it_concerns(
        self, alert: str, told: set[Role]
    ) -> None:
        (notice,) = [
            each
            for each in self.definition.steps()
            if each.kind is StepKind.notify
            and each.when == Compare("start.alert", Op.equals, alert)
        ]
        assert notice.outgoing is not None
        assert notice.outgoing.urgent
        assert {recipient.role for recipient in notice.outgoing.tell} == told

    def test_the_plan_is_recorded_in_the_crm(self) -> None:
        assert step(ALERT, "record-plan").kind is StepKind.crm_update
        assert step(ALERT, "record-plan").after == ("action-plan",)

    def test_not_needed_closes_as_neutral_with_a_reason(self) -> None:
        assert any(
            x.outcome is OutcomeKind.neutral and x.when == StepIs("assess", "choice", "not-needed")
            for x in self.definition.exits
        )
        (reason,) = step(ALERT, "assess").evidence
        assert reason.required

    def test_triggers_have_the_numbers_of_the_seed(self) -> None:
        text = shipped()[ALERT].source
        assert "{field: usage.inactive_days, at_least: 14}" in text
        assert "{field: health.score, below: 50}" in text


class TestDetractorResponse:
    """Seed 002, Detractor Response Protocol."""

    definition = shipped()[DETRACTOR].definition

    def test_is_for_answers_up_to_6(self) -> None:
        assert self.definition.trigger is not None
        assert self.definition.trigger.when == Compare("nps.last_score", Op.at_most, 6)

    def test_asks_again_at_30_days_reminds_after_7_and_closes_14_later(self) -> None:
        survey = step(DETRACTOR, "follow-up-survey").survey
        assert survey is not None
        assert self.definition.phases[1].starts == Duration(30, Unit.day)
        assert survey.reminder_after == Duration(7, Unit.day)
        assert survey.closes_after == Duration(7 + 14, Unit.day)

    def test_an_executive_is_engaged_for_high_value_accounts_only(self) -> None:
        engage = step(DETRACTOR, "engage-executive")
        assert engage.owner is Role.executive
        assert engage.when == Compare("account.tier", Op.equals, "high_value")

    def test_no_answer_is_neutral(self) -> None:
        (neutral,) = [x for x in self.definition.exits if x.outcome is OutcomeKind.neutral]
        assert neutral.when == StepIs("follow-up-survey", "status", "unanswered")


class TestHandOver:
    """Seed 001: what is handed over has to be accepted."""

    def test_is_accepted_within_a_business_day_else_the_director_is_told(self) -> None:
        definition = shipped()[HAND_OVER].definition
        (accept,) = definition.steps()
        assert accept.hand_off is not None
        assert accept.hand_off.accept_within == Duration(1, Unit.business_day)
        assert definition.parameters == ("role", "giver", "receiver")
        director = Recipient(RecipientKind.role, Role.director)
        assert director in definition.ladders[0].levels[0].tell
