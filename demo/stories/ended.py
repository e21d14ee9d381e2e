"""At-risk interventions that have ended: well, badly, without need."""

from __future__ import annotations

from demo.standing import scored
from demo.stories.beginnings import AT_RISK, before, in_office
from demo.story import Act, Part, Story
from domain.playbook.events import (
    Cancelled,
)

ENDED_STORIES: tuple[Story, ...] = (
    Story(  # recovered
        "ulmenhof",
        (
            Part(
                AT_RISK,
                in_office(84),
                "Harvest planning went back to spreadsheets; the score fell to 58.",
                choices={"choose-resources": "training"},
                times={"confirm-recovery": before(days=46)},
            ),
        ),
        before=scored(58, -17),
        news=(
            (before(days=60), scored(65, 4)),
            (before(days=50), scored(74, 12)),
            (before(days=20), scored(81, 11)),
        ),
    ),
    Story(  # churned in the middle of it
        "xenia",
        (
            Part(
                AT_RISK,
                in_office(66),
                "Eight weeks of decline; their publisher prints elsewhere now.",
                choices={"choose-resources": "product"},
                leave=frozenset({"confirm-recovery"}),
            ),
        ),
        before={"account.stage": "customer", "usage.inactive_days": 5, **scored(45, -14)},
        news=(
            (before(days=40), scored(31, -14)),
            (before(days=26), {"account.stage": "churned", "usage.inactive_days": 26}),
        ),
    ),
    Story(  # not recovered, closed by the director
        "ypernburg",
        (
            Part(
                AT_RISK,
                in_office(66),
                "Below 60 for two months, and nobody answers.",
                choices={"choose-resources": "technical", "week-8-decision": "fail"},
                leave=frozenset({"confirm-recovery"}),
            ),
        ),
    ),
    Story(  # a false alarm
        "brightwater",
        (
            Part(
                AT_RISK,
                in_office(20),
                "The score fell to 62 within a day.",
                leave=frozenset({"analyse-usage"}),
                acts=(
                    Act(
                        before(days=18),
                        "tomasz",
                        lambda _, why: Cancelled("false_alarm", reason=why),
                        "It is the term break of their schools, as every year.",
                    ),
                ),
            ),
        ),
        before=scored(62, -13),
        news=((before(days=15), scored(75, 6)),),
    ),
)
