"""Moving an execution to another version over HTTP: looked at first, then done."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from domain.playbook.definition import Role
from playbooks.library import shipped
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

SOURCE = shipped()["at-risk-intervention"].source
OTHER_DUE = SOURCE.replace("due: 2 business days", "due: 4 business days", 1)
RENAMED_STEP = SOURCE.replace("review-history", "read-history")
YAML = {"Content-Type": "application/yaml"}


async def publish(world: World, source: str = OTHER_DUE) -> None:
    """As the second version, which is not enabled by that."""
    answer = await world.as_(Role.ops).post(
        f"{V1}/playbooks", content=source.encode(), headers=YAML
    )
    assert (answer.status_code, answer.json()["number"]) == (201, 2), answer.text


async def migrate(
    world: World, execution: str, role: Role = Role.director, key: str | None = None, **body: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await world.as_(role).post(
        f"{V1}/executions/{execution}/migrate", json=body, headers=headers
    )


async def test_wrong_role(world: World) -> None:
    execution = await world.start()
    for role in (Role.csm, Role.executive, Role.auditor):
        answer = await migrate(world, execution["id"], role)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_dry_run_shows_and_changes_nothing(world: World) -> None:
    execution = await world.start()
    await publish(world)
    answer = await migrate(world, execution["id"], version=2, dry_run=True)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["dry_run"], shown["before"], shown["after"]) == (True, 1, 2)
    assert {one["move"] for one in shown["steps"]} <= {"stays", "scheduled"}
    assert [one for one in shown["steps"] if one["moves"]]
    assert await world.read(execution["id"]) == execution


@pytest.mark.parametrize("role", [Role.director, Role.ops, Role.admin])
async def test_moves_and_answers_with_the_new_state(world: World, role: Role) -> None:
    execution = await world.start()
    await publish(world)
    shown = (await migrate(world, execution["id"], role, version=2, dry_run=True)).json()
    answer = await migrate(world, execution["id"], role, version=2, reason="Four days suffice.")
    assert answer.status_code == 200, answer.text
    moved = await world.read(execution["id"])
    assert answer.json()["execution"]["number"] == moved["number"]
    assert (moved["version"], moved["number"]) == (2, execution["number"] + 1)
    due = {(step["step"], step["occurrence"]): step["due_at"] for step in moved["steps"]}
    for one in shown["steps"]:
        assert due[one["step"], one["occurrence"]] == one["due_after"]
    timeline = await world.as_(Role.csm).get(f"{V1}/executions/{execution['id']}/timeline")
    last = timeline.json()["items"][-1]
    assert (last["kind"], last["event"]["number"]) == ("migrated", 2)
    assert list(last["words"].values()) == ["Four days suffice."]


async def test_the_same_key_moves_once(world: World) -> None:
    execution = await world.start()
    await publish(world)
    first = await migrate(world, execution["id"], key="move-1", version=2)
    again = await migrate(world, execution["id"], key="move-1", version=2)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    other = await migrate(world, execution["id"], key="move-1", version=1)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_without_a_version_it_takes_the_enabled_one(world: World) -> None:
    execution = await world.start()
    await publish(world)
    refused = await migrate(world, execution["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "same_version")
    found = await world.as_(Role.auditor).get(f"{V1}/audit", params={"outcome": "refused"})
    assert [one["action"] for one in found.json()["items"]] == ["migrated"]
    await world.as_(Role.ops).post(
        f"{V1}/playbooks/at-risk-intervention/enable", json={"version": 2}
    )
    answer = await migrate(world, execution["id"])
    assert answer.status_code == 200, answer.text
    assert (await world.read(execution["id"]))["version"] == 2


async def test_a_dry_run_is_refused_as_the_move_would_be(world: World) -> None:
    execution = await world.start()
    refused = await migrate(world, execution["id"], version=1, dry_run=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "same_version")
    missing = await migrate(world, execution["id"], version=9, dry_run=True)
    assert (missing.status_code, missing.json()["code"]) == (404, "version_not_found")


async def test_a_step_that_is_gone_is_still_shown(world: World) -> None:
    execution = await world.start()
    await publish(world, RENAMED_STEP)
    await migrate(world, execution["id"], version=2)
    moved = await world.read(execution["id"])
    key, steps = "review-history", {one["step"]: one for one in moved["steps"]}
    assert (steps[key]["status"], steps["read-history"]["status"]) == ("withdrawn", "open")
    assert steps[key]["title"] == steps["read-history"]["title"]
    inbox = (await world.as_(Role.csm).get(f"{V1}/inbox")).json()
    assert key not in {one["step"] for one in inbox["items"]}
    late = await world.as_(Role.csm).post(
        f"{V1}/executions/{execution['id']}/steps/{key}/complete", json={}
    )
    assert (late.status_code, late.json()["code"]) == (404, "unknown_step")
    paused = await world.as_(Role.csm).post(f"{V1}/executions/{execution['id']}/pause", json={})
    assert paused.status_code == 200, paused.text
