"""The catalogue over HTTP: publish, versions, lint, simulate, diff, enable."""

from __future__ import annotations

import httpx
import pytest

from domain.playbook.definition import Role
from playbooks.library import shipped
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

SOURCE = shipped()["at-risk-intervention"].source
RENAMED = SOURCE.replace("playbook: at-risk-intervention", "playbook: our-own", 1)
YAML = {"Content-Type": "application/yaml"}


async def publish(world: World, source: str | bytes, role: Role = Role.ops) -> httpx.Response:
    content = source.encode() if isinstance(source, str) else source
    return await world.as_(role).post(f"{V1}/playbooks", content=content, headers=YAML)


class TestPublish:
    async def test_wrong_role(self, world: World) -> None:
        assert (await publish(world, RENAMED, Role.csm)).status_code == 403

    async def test_makes_a_version(self, world: World) -> None:
        answer = await publish(world, RENAMED)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["number"], answer.json()["created"]) == (1, True)
        read = await world.as_(Role.csm).get(f"{V1}/playbooks/our-own/versions/1")
        assert read.json()["source"] == RENAMED

    async def test_the_same_content_twice_is_one_version(self, world: World) -> None:
        first = await publish(world, RENAMED)
        second = await publish(world, "# only a remark\n" + RENAMED)
        assert second.status_code == 200
        assert second.json()["created"] is False
        assert second.json()["content_hash"] == first.json()["content_hash"]
        listed = await world.as_(Role.csm).get(f"{V1}/playbooks/our-own/versions")
        assert [one["number"] for one in listed.json()["items"]] == [1]

    @pytest.mark.parametrize(
        "source",
        [
            "playbook: [",
            "a: &a [x]\nb: *a\n",
            "a: &a {x: 1}\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n",
            "\t- nothing",
            "",
        ],
    )
    async def test_broken_or_hostile_yaml(self, world: World, source: str) -> None:
        answer = await publish(world, source)
        assert (answer.status_code, answer.json()["code"]) == (422, "playbook_invalid")
        finding = answer.json()["details"]["findings"][0]
        assert finding["line"] >= 1
        assert finding["fix"]

    async def test_huge_yaml(self, world: World) -> None:
        answer = await publish(world, "# " + "x" * (600 * 1024))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    async def test_bytes_that_are_no_text(self, world: World) -> None:
        answer = await publish(world, b"playbook: \xff\xfe")
        assert (answer.status_code, answer.json()["code"]) == (422, "playbook_invalid")

    async def test_a_kind_that_is_not_executed_yet(self, world: World) -> None:
        source = RENAMED.replace(
            "      - step: analyse-usage\n", "      - step: analyse-usage\n        kind: mail\n", 1
        )
        lint = await world.as_(Role.ops).post(
            f"{V1}/playbooks/lint", content=source.encode(), headers=YAML
        )
        codes = {one["code"] for one in lint.json()["findings"]}
        answer = await publish(world, source)
        assert answer.status_code == 422
        assert answer.json()["code"] in {"not_supported_yet", "playbook_invalid"}
        assert codes == {one["code"] for one in answer.json()["details"]["findings"]}


class TestSwitch:
    async def test_a_disabled_playbook_starts_nothing(self, world: World) -> None:
        disabled = await world.as_(Role.ops).post(
            f"{V1}/playbooks/at-risk-intervention/disable", json={}
        )
        assert disabled.json()["enabled"] is False
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions",
            json={"playbook": "at-risk-intervention", "account": str(world.account)},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "playbook_disabled")
        enabled = await world.as_(Role.ops).post(
            f"{V1}/playbooks/at-risk-intervention/enable", json={}
        )
        assert enabled.json()["enabled"] is True
        assert (await world.start())["status"] == "running"

    async def test_a_version_that_is_not_there(self, world: World) -> None:
        answer = await world.as_(Role.ops).post(
            f"{V1}/playbooks/at-risk-intervention/enable", json={"version": 9}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "version_not_found")


class TestLook:
    async def test_lint_changes_nothing(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/playbooks/lint", content=RENAMED.encode(), headers=YAML
        )
        assert answer.json() == {"clean": True, "findings": []}
        keys = [
            one["key"] for one in (await world.as_(Role.csm).get(f"{V1}/playbooks")).json()["items"]
        ]
        assert "our-own" not in keys

    async def test_simulate_shows_the_eight_weeks(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/playbooks/at-risk-intervention/simulate",
            json={
                "start": "2026-03-02T09:00:00Z",
                "fields": {"health.score": 60},
                "people": "never",
            },
        )
        assert answer.status_code == 200, answer.text
        kinds = {c["kind"] for line in answer.json()["lines"] for c in line["commands"]}
        assert {"step_opened", "remind", "breached", "escalate"} <= kinds

    async def test_diff_tells_what_publishing_would_change(self, world: World) -> None:
        changed = SOURCE.replace("due: 5 business days", "due: 4 business days", 1)
        answer = await world.as_(Role.csm).post(
            f"{V1}/playbooks/at-risk-intervention/diff", content=changed.encode(), headers=YAML
        )
        assert answer.status_code == 200, answer.text
        found = answer.json()["differences"]
        assert [(one["kind"], one["part"], one["field"]) for one in found] == [
            ("changed", "step", "due")
        ]
