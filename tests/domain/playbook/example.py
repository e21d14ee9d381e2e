"""One small right playbook, and how tests parse it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from domain.errors import Finding, PlaybookInvalid
from domain.playbook.definition import Definition, Ladder
from domain.playbook.parse import parse_playbook

EXAMPLE = """\
playbook: example
name: Example
subject: account
owner: csm
summary: Shows every part once.
escalation: calm
parameters: [alert]
suspends: [expansion]
trigger:
  on: [health.scored]
  when: {field: health.score, below: 70}
ladders:
  calm:
    acknowledged_for: 1 business day
    levels:
      - {after: 0 hours, tell: [assignee, manager]}
      - {after: 2 days, tell: director}
phases:
  - phase: first
    starts: week 1
    ends: week 2
    steps:
      - step: call
        title: Call
        required: true
        due: 48 hours
        reminders: 4 hours
        evidence:
          - {field: held_on, type: date}
          - {field: mood, type: choice, choices: [good, bad]}
      - step: decide
        title: Decide
        kind: branch
        after: call
        opens: 1 day after phase start
        due: phase end
        choices: {go: Go on, stop: Stop}
  - phase: second
    starts: week 3
    ends: week 4
    steps:
      - step: check-in
        title: Check in
        after: decide
        when: {step: decide, choice: go}
        due: 1 week
        repeat: {every: 1 week, until: phase ends}
exit:
  success: {field: health.score, above: 70, after: check-in, required_done: true}
  failure: {step: decide, choice: stop}
"""

KNOWN_PLAYBOOKS = ("expansion", "at-risk-intervention")


def parse(
    text: str,
    ladders: Mapping[str, Ladder] | None = None,
    known: Collection[str] = KNOWN_PLAYBOOKS,
) -> Definition:
    return parse_playbook(text, "example.yaml", ladders or {}, known)


def findings(text: str) -> list[Finding]:
    """What is found in the text; empty where it is right."""
    try:
        parse(text)
    except PlaybookInvalid as invalid:
        return invalid.findings
    return []
