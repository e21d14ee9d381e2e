"""The reference for people who write playbooks says what the parser does."""

from __future__ import annotations

import re
from pathlib import Path

from domain.playbook.blocks import OPS
from domain.playbook.definition import EvidenceType, Role, StepKind
from domain.playbook.parse import PLAYBOOK, TRIGGER, parse_ladders, parse_playbook
from domain.playbook.steps import STEP

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "playbook-language.md"
TEXT = REFERENCE.read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_its_example_is_a_right_playbook() -> None:
    definition = parse_playbook(EXAMPLES[0], "reference.yaml", {}, ())
    assert definition.key == "quiet-customer"
    assert [ladder.key for ladder in definition.ladders] == ["calm"]


def test_its_ladder_is_right() -> None:
    assert list(parse_ladders(EXAMPLES[1], "ladders.yaml")) == ["at-risk"]


def test_it_names_every_key_and_word() -> None:
    words = {
        *(key.name for block in (PLAYBOOK, TRIGGER, STEP) for key in block.keys),
        *(kind.value for kind in StepKind),
        *OPS,
    }
    missing = {word for word in words if f"`{word}`" not in TEXT and f"{word}:" not in TEXT}
    assert missing == set()
    assert all(role.value in TEXT for role in Role)
    assert all(kind.value in TEXT for kind in EvidenceType)
