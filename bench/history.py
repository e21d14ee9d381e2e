"""History events per human step of an eight-week at-risk run, reminders and deliveries included.

The run is an end-to-end test, on the real server with skipped time: it alone says what people do
in those weeks and how events are counted; here it is run, and its figure taken.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TEST = "tests/e2e/test_eight_weeks.py::test_a_step_costs_few_events_of_history"
_FIGURE = re.compile(r"(\d+) events for (\d+) completed steps")
_PATIENCE_SECONDS = 400


class NoFigure(RuntimeError):
    """The eight weeks did not come to their end."""


def measure() -> dict[str, float]:
    """Events in the history, steps that people completed, and the one by the other."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "--timeout", str(_PATIENCE_SECONDS), TEST],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS + 60,
        check=False,
    )
    found = _FIGURE.search(ran.stdout)
    if found is None:
        raise NoFigure(f"{TEST} printed no figure; it ended with:\n{ran.stdout[-1000:]}")
    events, steps = (float(group) for group in found.groups())
    return {"events": events, "human_steps": steps, "events_per_human_step": events / steps}
