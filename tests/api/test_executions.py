"""Executions over HTTP: started, read, steered, refused in stable codes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from domain.playbook.definition import Role
from domain.playbook.events import CancelCode
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio


class TestStart:
    async def test_anonymous(self, world: World) -> None:
        answer = await world.bearing(None).post(f"{V1}/executions", json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_wrong_role(self, world: World) -> None:
        answer = await world.as_(Role.auditor).post(
            f"{V1}/executions",
            json={"playbook": "at-risk-intervention", "account": str(world.account)},
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    async def test_is_in_the_inbox_at_once(self, world: World) -> None:
        execution = await world.start()
        assert execution["status"] == "running"
        open_now = {step["step"] for step in execution["steps"] if step["status"] == "open"}
        inbox = (await world.as_(Role.csm).get(f"{V1}/inbox")).json()
        shown = {one["step"] for one in inbox["items"] if one["execution"] == execution["id"]}
        assert shown
        assert shown <= open_now

    async def test_a_second_one_is_refused_with_the_open_one(self, world: World) -> None:
        execution = await world.start()
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions",
            json={"playbook": "at-risk-intervention", "account": str(world.account)},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "execution_open")
        assert answer.json()["details"]["execution"] == execution["id"]

    async def test_the_same_key_starts_once(self, world: World) -> None:
        body = {
            "playbook": "at-risk-intervention",
            "account": str(world.account),
            "reason": "usage fell",
        }
        client = world.as_(Role.csm)
        first = await client.post(
            f"{V1}/executions", json=body, headers={"Idempotency-Key": "start-1"}
        )
        second = await client.post(
            f"{V1}/executions", json=body, headers={"Idempotency-Key": "start-1"}
        )
        assert first.status_code == second.status_code == 201
        assert first.json()["execution"] == second.json()["execution"]
        assert (first.json()["repeated"], second.json()["repeated"]) == (False, True)
        listed = (await client.get(f"{V1}/executions")).json()["items"]
        assert [one["id"] for one in listed] == [first.json()["execution"]["id"]]

    async def test_the_same_key_with_another_body_is_refused(self, world: World) -> None:
        client = world.as_(Role.csm)
        body = {"playbook": "at-risk-intervention", "account": str(world.account)}
        headers = {"Idempotency-Key": "start-1"}
        await client.post(f"{V1}/executions", json=body, headers=headers)
        answer = await client.post(
            f"{V1}/executions", json={**body, "reason": "another"}, headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    async def test_unknown_playbook(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions", json={"playbook": "nowhere", "account": str(world.account)}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "playbook_not_found")

    async def test_unknown_account(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions",
            json={"playbook": "at-risk-intervention", "account": str(uuid4())},
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")

    async def test_wrong_subject(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions", json={"playbook": "at-risk-intervention"}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_subject")

    async def test_unknown_fields_are_refused_by_name(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions", json={"playbook": "at-risk-intervention", "org_id": str(uuid4())}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert [one["field"] for one in answer.json()["details"]["fields"]] == ["body.org_id"]


class TestRead:
    async def test_timeline_says_who_and_why(self, world: World) -> None:
        client = world.as_(Role.csm)
        started = await client.post(
            f"{V1}/executions",
            json={
                "playbook": "at-risk-intervention",
                "account": str(world.account),
                "reason": "usage fell",
            },
        )
        execution = started.json()["execution"]["id"]
        timeline = (await client.get(f"{V1}/executions/{execution}/timeline")).json()
        first = timeline["items"][0]
        assert first["number"] == 0
        assert first["kind"] == "started"
        assert first["actor"] == str(world.people[Role.csm].id)
        assert list(first["words"].values()) == ["usage fell"]

    async def test_pages_follow_the_cursor(self, world: World) -> None:
        execution = (await world.start())["id"]
        client = world.as_(Role.director)
        for verb in ("pause", "resume", "pause", "resume"):
            answer = await client.post(f"{V1}/executions/{execution}/{verb}", json={})
            assert answer.status_code == 200, answer.text
        numbers, cursor = [], None
        while True:
            page = (
                await client.get(
                    f"{V1}/executions/{execution}/timeline",
                    params={"limit": 2} | ({"cursor": cursor} if cursor else {}),
                )
            ).json()
            numbers += [one["number"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert numbers == [0, 1, 2, 3, 4]

    async def test_a_foreign_cursor_is_refused(self, world: World) -> None:
        answer = await world.as_(Role.csm).get(f"{V1}/executions", params={"cursor": "abc"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")

    async def test_unknown_id(self, world: World) -> None:
        answer = await world.as_(Role.csm).get(f"{V1}/executions/{uuid4()}")
        assert (answer.status_code, answer.json()["code"]) == (404, "execution_not_found")


class TestSteer:
    async def test_a_paused_execution_refuses_steps(self, world: World) -> None:
        execution = await world.start()
        step = next(one for one in execution["steps"] if one["status"] == "open")["step"]
        client = world.as_(Role.csm)
        paused = await client.post(
            f"{V1}/executions/{execution['id']}/pause", json={"reason": "holiday"}
        )
        assert paused.json()["execution"]["status"] == "paused"
        answer = await client.post(
            f"{V1}/executions/{execution['id']}/steps/{step}/complete", json={}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "execution_paused")

    async def test_a_closed_execution_refuses_steps(self, world: World) -> None:
        execution = await world.start()
        step = next(one for one in execution["steps"] if one["status"] == "open")["step"]
        client = world.as_(Role.csm)
        ended = await client.post(
            f"{V1}/executions/{execution['id']}/cancel", json={"code": "false_alarm"}
        )
        assert ended.json()["execution"]["outcome_code"] == "false_alarm"
        answer = await client.post(
            f"{V1}/executions/{execution['id']}/steps/{step}/complete", json={}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "execution_ended")

    async def test_cancelling_takes_every_code_that_the_engine_knows(self, world: World) -> None:
        client = world.as_(Role.csm)
        for code in CancelCode:
            execution = await world.start()
            ended = await client.post(
                f"{V1}/executions/{execution['id']}/cancel", json={"code": code}
            )
            assert ended.json()["execution"]["outcome_code"] == code
        execution = await world.start()
        answer = await client.post(
            f"{V1}/executions/{execution['id']}/cancel", json={"code": "bored"}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    async def test_a_refusal_is_one_audit_entry(self, world: World) -> None:
        execution = await world.start()
        client = world.as_(Role.csm)
        answer = await client.post(f"{V1}/executions/{execution['id']}/resume", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_paused")
        found = await world.as_(Role.auditor).get(f"{V1}/audit", params={"outcome": "refused"})
        assert len(found.json()["items"]) == 1


class TestStartMany:
    async def test_one_that_cannot_start_keeps_nothing_from_the_others(self, world: World) -> None:
        open_one = await world.start()
        others = [await world.another_account(), await world.another_account()]
        unknown = uuid4()
        body = {
            "playbook": "at-risk-intervention",
            "accounts": [str(one) for one in (others[0], world.account, unknown, others[1])],
            "reason": "usage fell",
        }
        client = world.as_(Role.csm)
        headers = {"Idempotency-Key": "many-1"}
        first = await client.post(f"{V1}/executions/bulk", json=body, headers=headers)
        assert first.status_code == 200, first.text
        answer = first.json()
        assert (answer["started"], answer["refused"]) == (2, 2)
        codes = [(one["started"], one["code"]) for one in answer["results"]]
        assert codes == [
            (True, None),
            (False, "execution_open"),
            (False, "account_not_found"),
            (True, None),
        ]
        assert answer["results"][1]["execution"] == open_one["id"]
        again = await client.post(f"{V1}/executions/bulk", json=body, headers=headers)
        assert again.json() == answer
        listed = (await client.get(f"{V1}/executions")).json()["items"]
        assert {one["account"] for one in listed} == {str(one) for one in (*others, world.account)}
        inbox = (await client.get(f"{V1}/inbox")).json()
        shown = {one["execution"] for one in inbox["items"]}
        assert {answer["results"][0]["execution"], answer["results"][3]["execution"]} <= shown

    async def test_what_concerns_the_playbook_refuses_all(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions/bulk",
            json={"playbook": "nowhere", "accounts": [str(world.account)]},
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "playbook_not_found")

    async def test_an_account_named_twice_is_refused(self, world: World) -> None:
        answer = await world.as_(Role.csm).post(
            f"{V1}/executions/bulk",
            json={"playbook": "at-risk-intervention", "accounts": [str(world.account)] * 2},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
