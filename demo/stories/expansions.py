"""Expansions around their hand-off, and how others ended."""

from __future__ import annotations

from datetime import timedelta

from demo.stories.beginnings import ago, before, in_office
from demo.story import Act, Part, Story
from domain.playbook.events import (
    HandOffDecided,
    WaiverRequested,
)

EXPANSION_STORIES: tuple[Story, ...] = (
    Story(  # the account manager has not answered yet
        "kestrel",
        (
            Part(
                "expansion",
                ago(days=12),
                "93 per cent of the seats in use; their second plant wants to join.",
                by="mara",
                leave=frozenset({"offer:hand-off"}),
                times={
                    "gauge-interest": before(hours=9),
                    "decision-makers": before(hours=6),
                    "hand-off": before(hours=3),
                },
            ),
        ),
    ),
    Story(  # declined: the CSM has it again
        "lindenhof",
        (
            Part(
                "expansion",
                ago(days=12, hours=4),
                "They plan three more homes with us next year.",
                by="tomasz",
                leave=frozenset({"offer:hand-off"}),
                times={
                    "gauge-interest": before(hours=12),
                    "decision-makers": before(hours=9),
                    "hand-off": before(hours=6),
                },
                acts=(
                    Act(
                        before(hours=2),
                        "henrik",
                        lambda _, why: HandOffDecided("hand-off", False, reason=why),
                        "Who decides is not clear yet: the new board meets next month.",
                    ),
                ),
            ),
        ),
    ),
    Story(  # week 4, in the account manager's hands
        "marisol",
        (
            Part(
                "expansion",
                ago(days=23),
                "Every month at the limit since spring; two requests for the forecast.",
                by="tomasz",
                leave=frozenset({"migration-plan", "answer-questions", "decision-date"}),
            ),
        ),
    ),
    Story(  # a waiver is asked for
        "nebelhorn",
        (
            Part(
                "expansion",
                ago(days=10),
                "Seven stores more since spring, and the plan is full.",
                by="mara",
                leave=frozenset({"success-stories"}),
                acts=(
                    Act(
                        before(hours=5),
                        "mara",
                        lambda now, why: WaiverRequested(
                            "success-stories", reason=why, expires_at=now + timedelta(days=21)
                        ),
                        "No customer of their size may be named before the fair.",
                    ),
                ),
            ),
        ),
    ),
    Story(  # won
        "wexmoor",
        (
            Part(
                "expansion",
                in_office(70),
                "The third region joins; 97 per cent of the seats were in use.",
                by="aylin",
            ),
        ),
        before={"usage.limit_ratio": 97},
        news=((before(days=30), {"usage.limit_ratio": 71}),),
    ),
    Story(  # lost
        "glasmoor",
        (
            Part(
                "expansion",
                in_office(50),
                "They look for a forecast and near the limit of their seats.",
                by="tomasz",
                choices={"decision": "lost"},
            ),
        ),
    ),
    Story(  # not now
        "amberton",
        (
            Part(
                "expansion",
                in_office(40),
                "82 per cent of the seats, and a new clinic in planning.",
                by="aylin",
                choices={"gauge-interest": "not-now"},
            ),
        ),
    ),
)
