"""Commands on steps over HTTP, and everything that may be wrong with them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.playbook.definition import Role
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

STEP = "analyse-usage"
EVIDENCE = {"cause": "The champion left."}


async def command(
    world: World,
    verb: str,
    body: dict[str, Any] | None = None,
    *,
    execution: str,
    step: str = STEP,
    role: Role = Role.csm,
    key: str | None = None,
) -> httpx.Response:
    return await world.as_(role).post(
        f"{V1}/executions/{execution}/steps/{step}/{verb}",
        json=body or {},
        headers={"Idempotency-Key": key} if key else {},
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "instance", "details"}
    return answer.status_code, problem["code"]


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


class TestComplete:
    async def test_answers_with_the_new_state(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "complete", {"evidence": EVIDENCE}, execution=execution)
        assert answer.status_code == 200, answer.text
        assert answer.json()["step"]["status"] == "completed"
        read = (await world.as_(Role.auditor).get(f"{V1}/executions/{execution}")).json()
        step = next(one for one in read["steps"] if one["step"] == STEP)
        assert step["status"] == "completed"
        assert [(one["field"], one["value"]) for one in step["evidence"]] == [
            ("cause", "The champion left.")
        ]
        inbox = (await world.as_(Role.csm).get(f"{V1}/inbox")).json()
        assert STEP not in {one["step"] for one in inbox["items"]}

    async def test_twice(self, world: World) -> None:
        execution = (await world.start())["id"]
        await command(world, "complete", {"evidence": EVIDENCE}, execution=execution)
        answer = await command(world, "complete", {"evidence": EVIDENCE}, execution=execution)
        assert refusal(answer) == (409, "step_closed")

    async def test_two_people_at_once(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"evidence": EVIDENCE}
        answers = await asyncio.gather(
            command(world, "complete", body, execution=execution),
            command(world, "complete", body, execution=execution, role=Role.director),
        )
        assert sorted(one.status_code for one in answers) == [200, 409]

    async def test_the_same_key_repeats_the_answer(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"evidence": EVIDENCE}
        first = await command(world, "complete", body, execution=execution, key="k1")
        second = await command(world, "complete", body, execution=execution, key="k1")
        assert second.status_code == 200
        assert second.json()["repeated"] is True
        assert second.json()["step"] == first.json()["step"]

    async def test_the_same_key_with_other_evidence(self, world: World) -> None:
        execution = (await world.start())["id"]
        await command(world, "complete", {"evidence": EVIDENCE}, execution=execution, key="k1")
        other = {"evidence": {"cause": "Prices."}}
        answer = await command(world, "complete", other, execution=execution, key="k1")
        assert refusal(answer) == (422, "idempotency_key_reused")

    async def test_a_refusal_is_repeated_under_its_key(self, world: World) -> None:
        execution = (await world.start())["id"]
        first = await command(world, "complete", execution=execution, key="k1")
        assert refusal(first) == (422, "evidence_missing")
        second = await command(world, "complete", execution=execution, key="k1")
        assert refusal(second) == (422, "evidence_missing")

    async def test_unknown_evidence(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"evidence": {**EVIDENCE, "mood": "bad"}}
        answer = await command(world, "complete", body, execution=execution)
        assert refusal(answer) == (422, "evidence_unknown")

    async def test_evidence_of_another_type(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "complete", {"evidence": {"cause": 7}}, execution=execution)
        assert refusal(answer) == (422, "evidence_invalid")

    async def test_by_a_role_that_may_not(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(
            world, "complete", {"evidence": EVIDENCE}, execution=execution, role=Role.finance
        )
        assert refusal(answer) == (403, "role_may_not")

    async def test_by_an_auditor(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "complete", execution=execution, role=Role.auditor)
        assert refusal(answer) == (403, "forbidden")

    async def test_not_open_yet(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "complete", execution=execution, step="discovery-call")
        assert refusal(answer) == (409, "step_not_open")

    async def test_unknown_step(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "complete", execution=execution, step="nowhere")
        assert refusal(answer) == (404, "unknown_step")

    async def test_unknown_execution(self, world: World) -> None:
        answer = await command(world, "complete", execution=str(uuid4()))
        assert refusal(answer) == (404, "execution_not_found")

    async def test_work_that_lies_in_the_future(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"evidence": EVIDENCE, "occurred_at": in_days(1)}
        answer = await command(world, "complete", body, execution=execution)
        assert refusal(answer) == (422, "occurred_in_future")

    async def test_an_instant_without_an_offset(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"evidence": EVIDENCE, "occurred_at": "2026-01-01T10:00:00"}
        answer = await command(world, "complete", body, execution=execution)
        assert refusal(answer) == (422, "invalid_request")


class TestWaive:
    async def test_is_decided_by_another_person(self, world: World) -> None:
        execution = (await world.start())["id"]
        asked = await command(
            world, "waive", {"reason": "Known already."}, execution=execution, role=Role.director
        )
        assert asked.status_code == 200, asked.text
        own = await command(world, "approve", execution=execution, role=Role.director)
        assert refusal(own) == (403, "waiver_self_approval")
        approved = await command(world, "approve", execution=execution, role=Role.admin)
        assert approved.json()["step"]["status"] == "waived"

    async def test_waits_in_the_approvers_inbox(self, world: World) -> None:
        execution = (await world.start())["id"]
        await command(world, "waive", {"reason": "Known already."}, execution=execution)
        items = (await world.as_(Role.director).get(f"{V1}/inbox")).json()["items"]
        assert ("waiver", STEP) in {(one["kind"], one["step"]) for one in items}
        assert refusal(await command(world, "approve", execution=execution)) == (
            403,
            "role_may_not",
        )

    async def test_nobody_asked(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "approve", execution=execution, role=Role.director)
        assert refusal(answer) == (409, "no_waiver_asked")


class TestClocks:
    async def test_waiting_on_the_customer_and_back(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"reason_code": "on_holiday", "follow_up_at": in_days(3)}
        waiting = await command(world, "wait", body, execution=execution)
        assert waiting.json()["step"]["status"] == "waiting"
        resumed = await command(world, "resume", execution=execution)
        assert resumed.json()["step"]["status"] == "open"

    async def test_waiting_past_its_limit(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"reason_code": "on_holiday", "follow_up_at": in_days(60)}
        answer = await command(world, "wait", body, execution=execution)
        assert refusal(answer) == (409, "waiting_limit")

    async def test_a_snooze_hides_and_never_moves_the_due_time(self, world: World) -> None:
        execution = await world.start()
        due = next(one for one in execution["steps"] if one["step"] == STEP)["due_at"]
        body = {"until": in_days(1), "reason": "Tomorrow."}
        answer = await command(world, "snooze", body, execution=execution["id"])
        assert answer.json()["step"]["due_at"] == due
        inbox = (await world.as_(Role.csm).get(f"{V1}/inbox")).json()
        assert inbox["counts"]["snoozed"] == 1
        assert [one["group"] for one in inbox["items"] if one["step"] == STEP] == ["snoozed"]

    async def test_a_snooze_into_the_past(self, world: World) -> None:
        execution = (await world.start())["id"]
        body = {"until": in_days(-1), "reason": "Yesterday."}
        answer = await command(world, "snooze", body, execution=execution)
        assert refusal(answer) == (422, "snooze_past")

    async def test_a_missed_step_is_breached_in_the_inbox(self, world: World) -> None:
        execution = (await world.start())["id"]
        world.clock.ahead = timedelta(days=9)
        body = {"reason": "Later."}
        assert (await command(world, "waive", body, execution=execution)).status_code == 200
        items = (await world.as_(Role.csm).get(f"{V1}/inbox")).json()["items"]
        assert {one["group"] for one in items if one["step"] == STEP} == {"breached"}


class TestPeople:
    async def test_a_reassigned_step_moves_to_the_other_inbox(self, world: World) -> None:
        execution = (await world.start())["id"]
        other = world.people[Role.support]
        answer = await command(world, "reassign", {"to": str(other.id)}, execution=execution)
        assert answer.json()["step"]["held_by"] == str(other.id)
        items = (await world.as_(Role.support).get(f"{V1}/inbox")).json()["items"]
        assert [one["step"] for one in items] == [STEP]

    async def test_to_nobody(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await command(world, "reassign", {"to": str(uuid4())}, execution=execution)
        assert refusal(answer) == (404, "member_not_found")

    async def test_a_delegate_acts_for_who_is_away(self, world: World) -> None:
        execution = (await world.start())["id"]
        absent, delegate = world.people[Role.csm], world.people[Role.finance]
        body = {
            "delegate": str(delegate.id),
            "starts_at": in_days(-1),
            "ends_at": in_days(5),
        }
        added = await world.as_(Role.csm).post(f"{V1}/absences", json=body)
        assert added.status_code == 201, added.text
        client = world.as_(Role.finance)
        inbox = (await client.get(f"{V1}/inbox")).json()
        assert inbox["standing_in_for"] == [str(absent.id)]
        assert STEP in {one["step"] for one in inbox["items"]}
        answer = await client.post(
            f"{V1}/executions/{execution}/steps/{STEP}/complete",
            json={"evidence": EVIDENCE},
            headers={"Holdfast-On-Behalf-Of": str(absent.id)},
        )
        assert answer.status_code == 200, answer.text
        timeline = (await client.get(f"{V1}/executions/{execution}/timeline")).json()
        assert timeline["items"][-1]["on_behalf_of"] == str(absent.id)

    async def test_nobody_else_acts_for_a_member(self, world: World) -> None:
        execution = (await world.start())["id"]
        answer = await world.as_(Role.finance).post(
            f"{V1}/executions/{execution}/steps/{STEP}/complete",
            json={"evidence": EVIDENCE},
            headers={"Holdfast-On-Behalf-Of": str(world.people[Role.csm].id)},
        )
        assert refusal(answer) == (403, "not_a_delegate")


class TestRecords:
    async def test_an_amendment_stands_beside_what_was_given(self, world: World) -> None:
        execution = (await world.start())["id"]
        early = await command(
            world,
            "amend",
            {"field": "cause", "value": "x", "reason": "typo"},
            execution=execution,
        )
        assert refusal(early) == (409, "step_open")
        await command(world, "complete", {"evidence": EVIDENCE}, execution=execution)
        amended = await command(
            world,
            "amend",
            {"field": "cause", "value": "The sponsor left.", "reason": "Heard later."},
            execution=execution,
        )
        assert amended.status_code == 201, amended.text
        read = (await world.as_(Role.csm).get(f"{V1}/executions/{execution}")).json()
        step = next(one for one in read["steps"] if one["step"] == STEP)
        assert [one["value"] for one in step["evidence"]] == [
            "The champion left.",
            "The sponsor left.",
        ]

    async def test_a_comment_makes_no_transition(self, world: World) -> None:
        execution = await world.start()
        answer = await command(
            world, "comment", {"text": "Asked finance."}, execution=execution["id"]
        )
        assert answer.status_code == 201, answer.text
        read = (await world.as_(Role.csm).get(f"{V1}/executions/{execution['id']}")).json()
        assert read["number"] == execution["number"]


class TestBulk:
    async def test_each_row_is_done_or_refused_by_itself(self, world: World) -> None:
        execution = (await world.start())["id"]
        client = world.as_(Role.csm)
        task = (await client.post(f"{V1}/tasks", json={"title": "Call back"})).json()["id"]
        rows = [
            {"execution": execution, "step": STEP},
            {"execution": str(uuid4()), "step": STEP},
            {"task": task},
            {"execution": execution, "step": "discovery-call"},
        ]
        answer = await client.post(
            f"{V1}/inbox/bulk",
            json={"command": "snooze", "rows": rows, "until": in_days(1), "reason": "Later."},
        )
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [(one["done"], one["code"]) for one in results] == [
            (True, None),
            (False, "execution_not_found"),
            (True, None),
            (False, "step_not_open"),
        ]
        assert (await client.get(f"{V1}/inbox")).json()["counts"]["snoozed"] == 2

    async def test_too_many_rows(self, world: World) -> None:
        rows = [{"execution": str(uuid4()), "step": STEP}] * 201
        answer = await world.as_(Role.csm).post(
            f"{V1}/inbox/bulk", json={"command": "complete", "rows": rows}
        )
        assert refusal(answer) == (422, "invalid_request")
