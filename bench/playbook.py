"""What both arms run: eight human steps, one after the other, each due after two days."""

from __future__ import annotations

from datetime import timedelta

from domain.playbook.definition import Definition
from domain.playbook.parse import parse_ladders, parse_playbook

KEY = "eight-steps"
STEPS = tuple(f"step-{number}" for number in range(1, 9))
DUE_AFTER = timedelta(days=2)
EVIDENCE = {"score": 71}
"""Coded evidence: it goes into the event in both arms, and needs no row of its own."""

_STEP = """\
      - step: {key}
        title: Do the work of {key}
        required: true
        due: 2 days
{after}        evidence:
          - {{field: score, type: number, title: Health score}}
"""

_LADDERS = """\
late:
  acknowledged_for: 1 day
  source: our choice
  levels:
    - {after: 0 hours, tell: director}
"""


def source() -> str:
    """The playbook as YAML."""
    steps = "".join(
        _STEP.format(key=key, after=f"        after: {STEPS[index - 1]}\n" if index else "")
        for index, key in enumerate(STEPS)
    )
    return (
        f"playbook: {KEY}\n"
        "name: Eight steps\n"
        "subject: account\n"
        "owner: csm\n"
        "escalation: late\n"
        "summary: Eight steps of a person, one after the other.\n"
        "enabled_at_first: true\n"
        "phases:\n"
        "  - phase: only\n"
        "    steps:\n"
        f"{steps}"
        "exit:\n"
        f"  success: {{code: done, after: {STEPS[-1]}}}\n"
    )


def definition() -> Definition:
    """The same, parsed and checked."""
    return parse_playbook(source(), f"{KEY}.yaml", parse_ladders(_LADDERS, "ladders.yaml"), ())
