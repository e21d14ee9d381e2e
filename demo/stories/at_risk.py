"""At-risk interventions that are open, each in another place."""

from __future__ import annotations

from datetime import timedelta

from demo.company import BY_KEY
from demo.standing import scored
from demo.stories.beginnings import AT_RISK, ago, before, in_office, overdue_by
from demo.story import Act, Part, Story
from domain.playbook.events import (
    Paused,
    Reassigned,
    Snoozed,
    StepSkipped,
    WaitingStarted,
)

AT_RISK_STORIES: tuple[Story, ...] = (
    Story(  # week 1
        "asterholm",
        (
            Part(
                AT_RISK,
                in_office(2),
                "Score fell from 74 to 58 in four weeks; two sites stopped planning with us.",
                leave=frozenset({"analyse-usage", "review-tickets", "assess-renewal"}),
                acts=(
                    Act(
                        before(hours=5),
                        "mara",
                        lambda _, why: StepSkipped("assess-renewal", reason=why),
                        "The renewal is far away.",
                        refused="step_required",
                    ),
                ),
            ),
        ),
    ),
    Story(  # week 3, waiting on the customer
        "birkhain",
        (
            Part(
                AT_RISK,
                in_office(16),
                "Twelve points down, and the ward managers complain about the payroll export.",
                leave=frozenset({"discovery-call"}),
                acts=(
                    Act(
                        before(hours=20),
                        "mara",
                        lambda now, why: WaitingStarted(
                            "discovery-call", "customer_absent", now + timedelta(days=3), reason=why
                        ),
                        "Their head of nursing is on leave until Thursday.",
                    ),
                ),
            ),
        ),
    ),
    Story(  # week 6, nearly back
        "calloway",
        (
            Part(
                AT_RISK,
                in_office(37),
                "Usage of the rule engine stopped after their reorganization.",
                choices={"choose-resources": "training"},
                leave=frozenset({"confirm-recovery"}),
            ),
        ),
        before=scored(59, -15),
        news=((before(days=20), scored(63, -6)), (before(days=6), scored(68, 9))),
    ),
    Story(  # week 9: the director decides
        "dunmore",
        (
            Part(
                AT_RISK,
                ago(days=57),
                "Score at 60 and falling; renewal within four months.",
                choices={"choose-resources": "none"},
                leave=frozenset({"confirm-recovery", "week-8-decision"}),
            ),
        ),
        before=scored(60, -11),
        news=((before(days=25), scored(57, -3)),),
    ),
    Story(  # the ladder's first level
        "eschbach",
        (
            Part(
                AT_RISK,
                ago(days=9, hours=2),
                "Nine points in a month, and the planning lead has left.",
                leave=frozenset({"outreach"}),
            ),
        ),
    ),
    Story(  # the ladder's second level
        "fjordlys",
        (
            Part(
                AT_RISK,
                overdue_by(1, timedelta(days=9)),
                "Eighteen points in a month; six open tickets about the forecast.",
                leave=frozenset({"outreach"}),
            ),
        ),
    ),
    Story(  # a snooze, and a step that went to a colleague
        "ostsee",
        (
            Part(
                AT_RISK,
                in_office(2.5),
                "Just below 70, seven points down; the cold store changed its shift model.",
                leave=frozenset({"review-tickets", "analyse-usage"}),
                acts=(
                    Act(
                        before(hours=6),
                        "mara",
                        lambda now, why: Snoozed(
                            "review-tickets", now + timedelta(days=1), reason=why
                        ),
                        "Support sends the list of tickets tomorrow.",
                    ),
                    Act(
                        before(hours=4),
                        "jonas",
                        lambda _, why: Reassigned(
                            "analyse-usage", str(BY_KEY["tomasz"].id), reason=why
                        ),
                        "Tomasz knows their shift models.",
                    ),
                ),
            ),
        ),
    ),
    Story(  # paused by the director
        "quellgrund",
        (
            Part(
                AT_RISK,
                in_office(19),
                "Usage is down by a fifth since the summer.",
                leave=frozenset({"discovery-call"}),
                acts=(
                    Act(
                        before(days=7),
                        "jonas",
                        lambda _, why: Paused(reason=why),
                        "Their plant stands still for two weeks of maintenance.",
                    ),
                ),
            ),
        ),
    ),
    Story(  # its CSM is away, her delegate does the work
        "falkensee",
        (
            Part(
                AT_RISK,
                in_office(12),
                "Eleven points down since the merger of their two newsrooms.",
                leave=frozenset({"weekly-check-in", "action-plan"}),
                times={"discovery-call": before(days=1)},
            ),
        ),
    ),
    Story(  # expansion under way, suspended by the risk that came
        "pinewick",
        (
            Part(
                "expansion",
                in_office(12),
                "At 86 per cent of the seats for three months, and they ask for the forecast.",
                by="felix",
            ),
            Part(
                AT_RISK,
                in_office(2),
                "Their new owner has frozen all projects; the score fell by 23 points.",
                leave=frozenset({"review-tickets", "assess-renewal"}),
            ),
        ),
        before=scored(87, 4),
        news=((before(days=7), scored(64, -23)),),
    ),
)
