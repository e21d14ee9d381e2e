"""What becomes known of accounts: touches, statistics, changes of the account and of its team."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.playbook.definition import Role
from tests import factories
from tests.api.world import V1, World
from tests.scenarios import one_call

pytestmark = pytest.mark.anyio


class TestTouches:
    async def test_is_told_with_both_instants(self, world: World) -> None:
        friday = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
        answer = await world.as_(Role.csm).post(
            f"{V1}/touches",
            json={
                "account": str(world.account),
                "kind": "meeting",
                "occurred_at": friday.isoformat(),
                "words": "They want a new owner.",
            },
        )
        assert answer.status_code == 201, answer.text
        touch = answer.json()
        assert datetime.fromisoformat(touch["occurred_at"]) == friday
        assert datetime.fromisoformat(touch["recorded_at"]) > friday
        activity = await world.as_(Role.csm).get(f"{V1}/accounts/{world.account}/timeline")
        assert [(one["kind"], one["text"]) for one in activity.json()["items"]] == [
            ("touch.meeting", "They want a new owner.")
        ]
        known = await world.as_(Role.csm).get(f"{V1}/accounts/{world.account}/statistics")
        assert datetime.fromisoformat(known.json()["fields"]["touch.last_at"]) == friday

    async def test_completes_the_step_that_waits_for_it(self, world: World) -> None:
        by_call = one_call("by-call")
        phase = by_call.phases[0]
        waiting = replace(phase.steps[0], completes_on=("touch.call",))
        definition = replace(by_call, phases=(replace(phase, steps=(waiting,)),))
        await factories.published(world.database, world.people[Role.ops], definition)
        execution = (await world.start("by-call"))["id"]
        answer = await world.as_(Role.csm).post(
            f"{V1}/touches", json={"account": str(world.account), "kind": "call"}
        )
        assert [one["execution"] for one in answer.json()["reached"]] == [execution]
        read = (await world.as_(Role.csm).get(f"{V1}/executions/{execution}")).json()
        assert read["steps"][0]["status"] == "completed"
        assert read["outcome"] == "success"

    async def test_in_the_future(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/touches",
            json={
                "account": str(world.account),
                "kind": "call",
                "occurred_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            },
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "occurred_in_future")


class TestStatistics:
    async def test_wrong_role(self, world: World) -> None:
        answer = await world.as_(Role.csm).put(
            f"{V1}/accounts/{world.account}/statistics", json={"fields": {"health.score": 80}}
        )
        assert answer.status_code == 403

    async def test_a_turned_condition_reaches_the_open_execution(self, world: World) -> None:
        execution = await world.start()
        answer = await world.as_(Role.ops).put(
            f"{V1}/accounts/{world.account}/statistics", json={"fields": {"health.score": 74}}
        )
        assert answer.status_code == 200, answer.text
        assert [one["execution"] for one in answer.json()["reached"]] == [execution["id"]]

    async def test_a_value_that_turns_nothing_reaches_nobody(self, world: World) -> None:
        await world.start()
        answer = await world.as_(Role.ops).put(
            f"{V1}/accounts/{world.account}/statistics", json={"fields": {"health.score": 61}}
        )
        assert answer.json()["reached"] == []

    async def test_an_older_version(self, world: World) -> None:
        path = f"{V1}/accounts/{world.account}/statistics"
        client = world.as_(Role.ops)
        version = (await client.get(path)).json()["version"]
        body = {"fields": {"health.score": 61}, "version": version}
        assert (await client.put(path, json=body)).status_code == 200
        body = {"fields": {"health.score": 62}, "version": version}
        answer = await client.put(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")

    @pytest.mark.parametrize("fields", [{"weather": 1}, {"health.score": "good"}, {}])
    async def test_unknown_fields_and_wrong_types(
        self, world: World, fields: dict[str, object]
    ) -> None:
        answer = await world.as_(Role.ops).put(
            f"{V1}/accounts/{world.account}/statistics", json={"fields": fields}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


class TestTeam:
    async def test_a_free_role_is_given_at_once(self, world: World) -> None:
        member = str(world.people[Role.product].id)
        answer = await world.as_(Role.director).put(
            f"{V1}/accounts/{world.account}/team/product", json={"member": member}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"] == "placed"
        assert ("product", member) in {
            (one["role"], one["member"]) for one in answer.json()["team"]
        }

    async def test_the_giver_carries_until_the_receiver_accepts(self, world: World) -> None:
        receiver = await factories.person(world.database, world.scope, Role.csm, name="new")
        answer = await world.as_(Role.director).put(
            f"{V1}/accounts/{world.account}/team/csm",
            json={"member": str(receiver.id), "reason": "Territories changed."},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"] == "hand_over_started"
        places = {one["role"]: one["member"] for one in answer.json()["team"]}
        assert places["csm"] == str(world.people[Role.csm].id)

    async def test_acceptance_moves_the_role_and_the_open_work(self, world: World) -> None:
        open_work = (await world.start())["id"]
        receiver = await factories.person(world.database, world.scope, Role.csm, name="new")
        client = world.bearing(await world.token_for(receiver))
        started = await world.as_(Role.director).put(
            f"{V1}/accounts/{world.account}/team/csm", json={"member": str(receiver.id)}
        )
        hand_over = started.json()["hand_over"]
        await self._hand_over(world, hand_over["id"])
        offered = (await client.get(f"{V1}/inbox", params={"group": "hand_offs"})).json()["items"]
        assert [one["execution"] for one in offered] == [hand_over["id"]]
        path = f"{V1}/executions/{hand_over['id']}/steps/{offered[0]['step']}/accept"
        accepted = await client.post(path, json={})
        assert accepted.status_code == 200, accepted.text
        team = (await client.get(f"{V1}/accounts/{world.account}/team")).json()
        assert str(receiver.id) in {one["member"] for one in team if one["role"] == "csm"}
        mine = {one["execution"] for one in (await client.get(f"{V1}/inbox")).json()["items"]}
        assert open_work in mine

    async def _hand_over(self, world: World, execution: str) -> None:
        """The giver does what stands before the offer, with whatever evidence is asked for."""
        giver = world.as_(Role.csm)
        for _ in range(10):
            read = (await giver.get(f"{V1}/executions/{execution}")).json()
            waiting = [one for one in read["steps"] if one["status"] == "open"]
            if not waiting:
                return
            step = waiting[0]
            evidence = {one["key"]: "As agreed." for one in step["form"] if one["required"]}
            done = await giver.post(
                f"{V1}/executions/{execution}/steps/{step['step']}/complete",
                json={"evidence": evidence},
            )
            assert done.status_code == 200, done.text
        raise AssertionError("the hand-over never came to its offer")

    async def test_a_second_change_while_one_is_under_way(self, world: World) -> None:
        receiver = await factories.person(world.database, world.scope, Role.csm, name="new")
        path = f"{V1}/accounts/{world.account}/team/csm"
        client = world.as_(Role.director)
        await client.put(path, json={"member": str(receiver.id)})
        answer = await client.put(path, json={"member": str(receiver.id)})
        assert (answer.status_code, answer.json()["code"]) == (409, "execution_open")


class TestAccount:
    async def test_search_finds_by_a_part_of_the_name(self, world: World) -> None:
        client = world.as_(Role.csm)
        found = (await client.get(f"{V1}/accounts", params={"search": "lobex"})).json()
        assert [one["id"] for one in found["items"]] == [str(world.account)]
        none = (await client.get(f"{V1}/accounts", params={"search": "%"})).json()
        assert none["items"] == []

    async def test_a_stale_version_changes_nothing(self, world: World) -> None:
        path = f"{V1}/accounts/{world.account}"
        client = world.as_(Role.csm)
        first = await client.patch(path, json={"tier": "growth", "version": 1})
        assert first.json()["version"] == 2
        answer = await client.patch(path, json={"tier": "stable", "version": 1})
        assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")
        assert (await client.get(path)).json()["tier"] == "growth"

    async def test_its_stage_reaches_what_playbooks_read(self, world: World) -> None:
        execution = await world.start()
        client = world.as_(Role.csm)
        await client.patch(f"{V1}/accounts/{world.account}", json={"stage": "churned"})
        read = (await client.get(f"{V1}/executions/{execution['id']}")).json()
        assert (read["status"], read["outcome"]) == ("ended", "failure")
