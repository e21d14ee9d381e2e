"""Every story of the demo, in the order in which it is played."""

from __future__ import annotations

from demo.stories.alerts import ALERT_STORIES
from demo.stories.at_risk import AT_RISK_STORIES
from demo.stories.ended import ENDED_STORIES
from demo.stories.expansions import EXPANSION_STORIES
from demo.stories.responses import RESPONSE_STORIES

STORIES = (
    *AT_RISK_STORIES,
    *ALERT_STORIES,
    *EXPANSION_STORIES,
    *RESPONSE_STORIES,
    *ENDED_STORIES,
)
