"""The guided tour names only what the demo has: its ids are the same in every installation."""

from __future__ import annotations

import re
from pathlib import Path

from demo.company import COLLEAGUES
from demo.portfolio import CUSTOMERS
from demo.stories.catalogue import STORIES
from playbooks.library import shipped

TOUR = (Path(__file__).parents[2] / "docs" / "guides" / "tour.md").read_text()
PLAYBOOK_OF = {
    str(story.execution(number)): part.playbook
    for story in STORIES
    for number, part in enumerate(story.parts)
}


def test_every_id_is_one_of_the_demo() -> None:
    people = {str(one.id) for one in COLLEAGUES}
    known = people | {str(one.id) for one in CUSTOMERS} | set(PLAYBOOK_OF)
    named = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", TOUR))
    assert named
    assert named <= known


def test_every_step_is_one_of_its_playbook() -> None:
    ids = dict(re.findall(r"^(\w+)=([0-9a-f-]{36})$", TOUR, re.MULTILINE))
    steps = re.findall(r"/executions/\$(\w+)/steps/([\w-]+)/\w+ ", TOUR)
    assert len(steps) >= 9
    for name, step in steps:
        definition = shipped()[PLAYBOOK_OF[ids[name]]].definition
        assert step in {one.key for one in definition.steps()}, (name, step)


def test_every_customer_it_names_is_there() -> None:
    table = TOUR.split("| customer |")[1]
    named = [
        name.strip()
        for row in re.findall(r"^\| ([^|-][^|]*) \|", table, re.MULTILINE)
        for name in row.split(",")
    ]
    assert len(named) > 12
    for name in named:
        assert any(one.name.startswith(name) for one in CUSTOMERS), name
