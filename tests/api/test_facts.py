"""Facts as sources send them: in batches, again and again, half of them bad, late, corrected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from db.models.accounts import Account
from db.models.audit_entries import AuditEntry
from db.models.facts import Fact
from db.models.transitions import Transition
from domain.playbook.definition import Role
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def ago(days: float = 0) -> str:
    return (AT - timedelta(days=days)).isoformat()


def fact(world: World, kind: str, key: str, days: float = 0, **content: Any) -> dict[str, Any]:
    return {
        "account": str(world.account),
        "kind": kind,
        "source": "helpdesk",
        "external_id": key,
        "happened_at": ago(days),
        "content": content,
    }


def ticket(world: World, number: int, days: float = 0, **content: Any) -> dict[str, Any]:
    return fact(world, "ticket.opened", f"t-{number}", days, **{"ticket": f"T-{number}", **content})


async def send(world: World, facts: Sequence[object], role: Role = Role.ops) -> dict[str, Any]:
    answer = await world.as_(role).post(f"{V1}/facts", json={"facts": list(facts)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["accepted"], answer["known"], answer["refused"]


async def statistics(world: World, account: UUID | None = None) -> dict[str, Any]:
    answer = await world.as_(Role.csm).get(f"{V1}/accounts/{account or world.account}/statistics")
    found: dict[str, Any] = answer.json()
    return found


async def fields(world: World) -> dict[str, Any]:
    found: dict[str, Any] = (await statistics(world))["fields"]
    return found


async def stored(world: World, model: type[Any] = Fact) -> int:
    async with world.database.transaction(world.scope) as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def listed(world: World, **query: Any) -> httpx.Response:
    return await world.as_(Role.csm).get(f"{V1}/accounts/{world.account}/facts", params=query)


class TestPostFacts:
    async def test_statistics_follow_in_the_next_read(self, world: World) -> None:
        answer = await send(
            world,
            [
                ticket(world, 1, 3, priority="urgent"),
                ticket(world, 2, 2, sentiment="frustrated"),
                fact(world, "survey.response", "s-1", 1, survey="nps-quarterly", score=3),
            ],
        )
        assert counts(answer) == (3, 0, 0)
        known = await fields(world)
        assert known["ticket.open"] == 2
        assert known["ticket.urgent_open"] == 1
        assert known["ticket.frustrated_open"] == 1
        assert known["nps.last_score"] == 3
        assert known["nps.last_at"] == ago(1)
        assert known["health.score"] == 60  # what nobody sent stays

    async def test_ten_times_the_same_changes_nothing(self, world: World) -> None:
        batch = [ticket(world, 1), fact(world, "touch.call", "c-1", 2)]
        first = await send(world, batch)
        before = await statistics(world), await stored(world), await stored(world, AuditEntry)
        for _ in range(9):
            again = await send(world, batch)
            assert counts(again) == (0, 2, 0)
            assert [one["id"] for one in again["results"]] == [
                one["id"] for one in first["results"]
            ]
        after = await statistics(world), await stored(world), await stored(world, AuditEntry)
        assert after == before

    async def test_twice_within_one_batch(self, world: World) -> None:
        other = ticket(world, 1, priority="low")
        answer = await send(world, [ticket(world, 1), ticket(world, 1), other])
        assert [one["status"] for one in answer["results"]] == ["accepted", "known", "refused"]
        assert len({one["id"] for one in answer["results"]}) == 1
        assert answer["results"][2]["code"] == "fact_differs"
        assert await stored(world) == 1

    async def test_half_a_batch_is_bad(self, world: World) -> None:
        bad: list[tuple[object, str]] = [
            ({**ticket(world, 2), "account": "nobody"}, "account_unknown"),
            ({**ticket(world, 3), "contact": "nobody"}, "contact_unknown"),
            ({**ticket(world, 4), "kind": "ticket.lost"}, "unknown_kind"),
            (ticket(world, 5, -1), "happened_in_future"),
            ({**ticket(world, 6), "happened_at": "2026-01-01T00:00:00"}, "fact_malformed"),
            ({**ticket(world, 7), "colour": "red"}, "fact_malformed"),
            ("a fact", "fact_malformed"),
            (ticket(world, 8, satisfaction=-2), "out_of_range"),
            (fact(world, "survey.response", "s-1", survey="nps", score=11), "out_of_range"),
            (fact(world, "usage.recorded", "u-1", limit_ratio=0.8), "wrong_unit"),
            (fact(world, "usage.recorded", "u-2", events="many"), "wrong_type"),
            (
                {**ticket(world, 9), "corrects": "01900000-0000-7000-8000-000000000000"},
                "corrected_unknown",
            ),
        ]
        rows: list[object] = []
        for place, (row, _) in enumerate(bad):
            rows += [row, ticket(world, 100 + place)]
        answer = await send(world, rows)
        assert counts(answer) == (len(bad), 0, len(bad))
        assert [one["index"] for one in answer["results"]] == list(range(2 * len(bad)))
        refused = [one for one in answer["results"] if one["status"] == "refused"]
        assert [one["code"] for one in refused] == [code for _, code in bad]
        assert all(one["detail"] for one in refused)
        assert (await fields(world))["ticket.open"] == len(bad)

    async def test_a_batch_of_refusals_leaves_nothing(self, world: World) -> None:
        before = await statistics(world), await stored(world, AuditEntry)
        answer = await send(world, [{**ticket(world, 1), "account": "nobody"}] * 3)
        assert counts(answer) == (0, 0, 3)
        assert (await statistics(world), await stored(world, AuditEntry)) == before
        assert answer["reached"] == []

    async def test_the_size_of_a_batch(self, world: World) -> None:
        client = world.as_(Role.ops)
        for facts in ([], [ticket(world, 1)] * 501):
            answer = await client.post(f"{V1}/facts", json={"facts": facts})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        whole = await send(world, [ticket(world, number) for number in range(500)])
        assert counts(whole) == (500, 0, 0)
        assert (await fields(world))["ticket.open"] == 500

    async def test_an_account_by_its_external_id(self, world: World) -> None:
        made = await world.as_(Role.ops).post(
            f"{V1}/accounts", json={"name": "Initech", "external_id": "A-7"}
        )
        assert made.status_code == 201, made.text
        answer = await send(world, [{**ticket(world, 1), "account": "A-7"}])
        assert counts(answer) == (1, 0, 0)
        theirs = await statistics(world, UUID(made.json()["id"]))
        assert theirs["fields"]["ticket.open"] == 1
        by_id = {**ticket(world, 1), "account": made.json()["id"]}
        assert counts(await send(world, [by_id])) == (0, 1, 0)

    async def test_a_contact_is_of_the_account(self, world: World) -> None:
        client = world.as_(Role.csm)
        other = await world.another_account()
        contacts = [
            (await client.post(f"{V1}/contacts", json={"account": str(one), "name": "Ada"})).json()[
                "id"
            ]
            for one in (world.account, other)
        ]
        rows = [
            {**fact(world, "touch.call", f"c-{n}"), "contact": contact}
            for n, contact in enumerate(contacts)
        ]
        answer = await send(world, rows)
        assert [one["code"] for one in answer["results"]] == [None, "contact_unknown"]

    async def test_only_who_may_write_statistics(self, world: World) -> None:
        for role, status in ((Role.csm, 403), (Role.auditor, 403), (Role.admin, 200)):
            answer = await world.as_(role).post(f"{V1}/facts", json={"facts": [ticket(world, 1)]})
            assert answer.status_code == status, role

    async def test_one_audit_entry_with_numbers_alone(self, world: World) -> None:
        await send(world, [ticket(world, 1), ticket(world, 2), {}])
        async with world.database.transaction(world.scope) as session:
            (data,) = await session.scalars(
                select(AuditEntry.data).where(AuditEntry.action == "facts.accepted")
            )
        assert data == {"accepted": 2, "known": 0, "refused": 1, "accounts_changed": 1}


class TestOrder:
    async def test_late_facts_give_the_same_statistics(self, world: World) -> None:
        other = await world.another_account()
        facts = [
            ticket(world, 1, 9, priority="urgent"),
            fact(world, "ticket.updated", "t-1-low", 5, ticket="T-1", priority="low"),
            fact(world, "ticket.resolved", "t-1-done", 4, ticket="T-1"),
            fact(world, "pulse.recorded", "p-1", 8, risk="low"),
            fact(world, "pulse.recorded", "p-2", 3, risk="high"),
            fact(world, "usage.recorded", "u-1", 6, events=4, seats_used=4),
            fact(world, "usage.recorded", "u-2", 2, events=0, seats_used=9),
        ]
        for one in facts:
            await send(world, [one])
        for one in reversed(facts):
            await send(
                world,
                [{**one, "account": str(other), "external_id": f"other-{one['external_id']}"}],
            )
        assert (await statistics(world, other))["fields"] == await fields(world)
        assert (await fields(world))["pulse.last"] == "high"

    async def test_touches_that_members_logged_count_too(self, world: World) -> None:
        touch = {"account": str(world.account), "kind": "meeting", "occurred_at": ago(1)}
        assert (await world.as_(Role.csm).post(f"{V1}/touches", json=touch)).status_code == 201
        await send(world, [fact(world, "touch.mail", "m-1", 5, direction="outbound")])
        known = await fields(world)
        assert known["touch.last_at"] == known["touch.last_two_way_at"] == ago(1)
        assert known["account.responsive"] is True


class TestCorrections:
    async def test_other_content_says_what_it_corrects(self, world: World) -> None:
        first = await send(world, [ticket(world, 1, priority="urgent")])
        right = ticket(world, 1, priority="low")
        refused = (await send(world, [right]))["results"][0]
        assert (refused["code"], refused["id"]) == ("fact_differs", first["results"][0]["id"])
        assert (await fields(world))["ticket.urgent_open"] == 1
        taken = await send(world, [{**right, "corrects": refused["id"]}])
        assert counts(taken) == (1, 0, 0)
        assert (await fields(world))["ticket.urgent_open"] == 0
        assert (await fields(world))["ticket.open"] == 1
        # both are known now, also without saying what they correct
        both = [ticket(world, 1, priority="urgent"), right, {**right, "corrects": refused["id"]}]
        assert counts(await send(world, both)) == (0, 3, 0)
        items = (await listed(world)).json()["items"]
        assert {one["corrected_by"] for one in items} == {None, taken["results"][0]["id"]}

    async def test_back_to_what_was_first_said(self, world: World) -> None:
        wrong = fact(world, "survey.response", "s-1", survey="nps", score=9)
        right = fact(world, "survey.response", "s-1", survey="nps", score=2)
        last = (await send(world, [wrong]))["results"][0]["id"]
        for row, score in ((right, 2), (wrong, 9)):
            answer = await send(world, [{**row, "corrects": last}])
            assert counts(answer) == (1, 0, 0)
            last = answer["results"][0]["id"]
            assert (await fields(world))["nps.last_score"] == score

    async def test_a_fact_is_corrected_once_and_in_kind(self, world: World) -> None:
        first = (await send(world, [ticket(world, 1)]))["results"][0]["id"]
        low = {**ticket(world, 1, priority="low"), "corrects": first}
        high = {**ticket(world, 1, priority="high"), "corrects": first}
        pulse = {**fact(world, "pulse.recorded", "p-1", risk="low"), "corrects": first}
        answer = await send(world, [pulse, low, high])
        codes = [one["code"] for one in answer["results"]]
        assert codes == ["correction_elsewhere", None, "already_corrected"]
        assert answer["results"][2]["id"] == answer["results"][1]["id"]

    async def test_what_facts_say_no_more_is_taken_away(self, world: World) -> None:
        row = fact(world, "usage.recorded", "u-1", 1, events=5, limit_ratio=95)
        first = (await send(world, [row]))["results"][0]["id"]
        assert (await fields(world))["usage.limit_ratio"] == 95
        right = {**fact(world, "usage.recorded", "u-1", 1, events=5), "corrects": first}
        await send(world, [right])
        known = await fields(world)
        assert "usage.limit_ratio" not in known
        assert known["usage.inactive_days"] == 1

    async def test_moved_out_of_reach_it_counts_no_more(self, world: World) -> None:
        first = (await send(world, [ticket(world, 1)]))["results"][0]["id"]
        await send(world, [ticket(world, 2), {**ticket(world, 1, 500), "corrects": first}])
        assert (await fields(world))["ticket.open"] == 1


class TestExecutions:
    async def test_one_that_is_open_hears_of_a_changed_field(self, world: World) -> None:
        execution = await world.start()
        answer = await send(
            world, [fact(world, "stage.changed", "c-1", stage="churned"), ticket(world, 1)]
        )
        assert [one["execution"] for one in answer["reached"]] == [execution["id"]]
        read = await world.read(execution["id"])
        assert (read["status"], read["outcome"]) == ("ended", "failure")
        async with world.database.transaction(world.scope) as session:
            account = await session.get(Account, world.account)
        assert account is not None
        assert (account.stage, account.version) == ("churned", 2)

    async def test_what_it_does_not_read_is_no_transition(self, world: World) -> None:
        await world.start()
        before = await stored(world, Transition)
        assert (await send(world, [fact(world, "pulse.recorded", "p-1", risk="high")]))[
            "reached"
        ] == []
        assert await stored(world, Transition) == before

    async def test_a_stage_that_a_person_set_later_stays(self, world: World) -> None:
        await send(world, [fact(world, "stage.changed", "c-1", 3, stage="churned")])
        path = f"{V1}/accounts/{world.account}"
        assert (await world.as_(Role.csm).patch(path, json={"stage": "customer"})).is_success
        await send(world, [ticket(world, 1), fact(world, "stage.changed", "c-0", 9, stage="lead")])
        assert (await fields(world))["account.stage"] == "customer"
        assert (await world.as_(Role.csm).get(path)).json()["stage"] == "customer"


class TestAtOnce:
    async def test_two_batches_on_one_account_lose_nothing(self, world: World) -> None:
        batches = [
            [ticket(world, number) for number in range(start, start + 25)]
            for start in range(0, 100, 25)
        ]
        answers = await asyncio.gather(*(send(world, batch) for batch in batches))
        assert [counts(one) for one in answers] == [(25, 0, 0)] * 4
        assert (await fields(world))["ticket.open"] == 100

    async def test_the_same_batch_at_once_is_taken_once(self, world: World) -> None:
        batch = [ticket(world, number) for number in range(20)]
        answers = await asyncio.gather(*(send(world, batch) for _ in range(4)))
        assert sum(one["accepted"] for one in answers) == 20
        assert sum(one["known"] for one in answers) == 60
        assert await stored(world) == 20

    async def test_one_key_for_two_accounts_at_once_is_one_fact(self, world: World) -> None:
        other = str(await world.another_account())
        mine = [ticket(world, number) for number in range(20)]
        theirs = [{**one, "account": other} for one in reversed(mine)]
        answers = await asyncio.gather(send(world, mine), send(world, theirs))
        assert sum(one["accepted"] for one in answers) == 20
        refused = [o for one in answers for o in one["results"] if o["status"] == "refused"]
        assert {one["code"] for one in refused} == {"fact_differs"}
        assert await stored(world) == 20


class TestListFacts:
    async def test_pages_by_when_it_happened(self, world: World) -> None:
        await send(world, [ticket(world, number, number) for number in (3, 1, 5, 2, 4)])
        await send(world, [fact(world, "pulse.recorded", "p-1", 2.5, risk="low")])
        seen: list[str] = []
        cursor = None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            answer = (await listed(world, **query)).json()
            seen += [one["external_id"] for one in answer["items"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert seen == ["t-1", "t-2", "p-1", "t-3", "t-4", "t-5"]

    async def test_of_one_kind_whole(self, world: World) -> None:
        known_at = ago(1)
        row = {**fact(world, "pulse.recorded", "p-1", 2, risk="low"), "known_at": known_at}
        await send(world, [ticket(world, 1), row])
        (one,) = (await listed(world, kind="pulse.recorded")).json()["items"]
        assert one["content"] == {"risk": "low"}
        assert datetime.fromisoformat(one["happened_at"]) == AT - timedelta(days=2)
        assert datetime.fromisoformat(one["known_at"]) == AT - timedelta(days=1)
        assert datetime.fromisoformat(one["recorded_at"]) > AT
        assert (one["source"], one["external_id"]) == ("helpdesk", "p-1")


class TestIsolation:
    async def test_accounts_contacts_and_facts_of_others_are_unknown(
        self, world: World, elsewhere: World
    ) -> None:
        theirs = await send(elsewhere, [ticket(elsewhere, 1)])
        made = await elsewhere.as_(Role.csm).post(
            f"{V1}/contacts", json={"account": str(elsewhere.account), "name": "Ada"}
        )
        answer = await send(
            world,
            [
                {**ticket(world, 1), "account": str(elsewhere.account)},
                {**ticket(world, 2), "contact": made.json()["id"]},
                {**ticket(world, 3), "corrects": theirs["results"][0]["id"]},
                ticket(world, 1),  # the same source and external id as theirs
            ],
        )
        codes = [one["code"] for one in answer["results"]]
        assert codes == ["account_unknown", "contact_unknown", "corrected_unknown", None]
        assert (await fields(elsewhere))["ticket.open"] == 1
        items = (await listed(elsewhere)).json()["items"]
        assert [one["id"] for one in items] == [theirs["results"][0]["id"]]
