"""Imports of CSV files: all rows or none, the rows at fault listed, the same file twice nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from domain.playbook.definition import Role
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

MAPPING: dict[str, Any] = {
    "kind": "accounts",
    "date_format": "%d/%m/%Y",
    "columns": {
        "external_id": "account_id",
        "name": "account_name",
        "industry": "industry",
        "customer_since": "signup_date",
        "plan": "plan_tier",
        "seats": "seats",
        "attributes.trial": {"column": "is_trial", "type": "boolean"},
    },
}
HEADER = "account_id,account_name,industry,signup_date,plan_tier,seats,is_trial"
ROWS = ("A-1,Alpha,EdTech,16/10/2024,Basic,9,FALSE", "A-2,Beta,FinTech,17/8/2023,Pro,18,TRUE")


def csv(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


async def send(
    world: World,
    content: bytes,
    mapping: dict[str, Any] | None = None,
    *,
    role: Role = Role.ops,
    dry_run: bool = False,
) -> httpx.Response:
    return await world.as_(role).post(
        f"{V1}/imports",
        files={"file": ("accounts.csv", content, "text/csv")},
        data={"mapping": json.dumps(mapping or MAPPING), "dry_run": str(dry_run).lower()},
    )


def counts(answer: httpx.Response) -> tuple[int, int, int, int]:
    done = answer.json()
    return done["total"], done["created"], done["updated"], done["unchanged"]


async def accounts(world: World) -> list[str]:
    found = (await world.as_(Role.csm).get(f"{V1}/accounts")).json()["items"]
    return [one["name"] for one in found]


class TestAccounts:
    async def test_wrong_role(self, world: World) -> None:
        answer = await send(world, csv(*ROWS), role=Role.csm)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    async def test_takes_every_row(self, world: World) -> None:
        answer = await send(world, csv(*ROWS))
        assert answer.status_code == 201, answer.text
        assert counts(answer) == (2, 2, 0, 0)
        found = (await world.as_(Role.csm).get(f"{V1}/accounts", params={"search": "Beta"})).json()[
            "items"
        ][0]
        assert found["customer_since"] == "2023-08-17"
        assert (found["seats"], found["attributes"]) == (18, {"trial": True})
        known = await world.as_(Role.csm).get(f"{V1}/accounts/{found['id']}/statistics")
        assert known.json()["fields"]["account.seats"] == 18
        kept = await world.as_(Role.ops).get(f"{V1}/imports/{answer.json()['id']}")
        assert kept.json()["status"] == "done"

    async def test_the_same_file_twice_changes_nothing(self, world: World) -> None:
        await send(world, csv(*ROWS))
        assert counts(await send(world, csv(*ROWS))) == (2, 0, 0, 2)

    async def test_a_changed_row_is_updated(self, world: World) -> None:
        await send(world, csv(*ROWS))
        answer = await send(world, csv(ROWS[0], ROWS[1].replace("18", "20")))
        assert counts(answer) == (2, 0, 1, 1)

    async def test_a_dry_run_keeps_nothing(self, world: World) -> None:
        before = await accounts(world)
        answer = await send(world, csv(*ROWS), dry_run=True)
        assert answer.json()["status"] == "checked"
        assert counts(answer) == (2, 2, 0, 0)
        assert await accounts(world) == before

    async def test_a_byte_order_mark_is_no_column(self, world: World) -> None:
        answer = await send(world, b"\xef\xbb\xbf" + csv(*ROWS))
        assert counts(answer) == (2, 2, 0, 0)

    async def test_another_encoding_that_the_mapping_names(self, world: World) -> None:
        content = csv("A-1,Caf\u00e9,EdTech,16/10/2024,Basic,9,FALSE").decode().encode("latin-1")
        refused = await send(world, content)
        assert (refused.status_code, refused.json()["code"]) == (422, "file_encoding")
        answer = await send(world, content, {**MAPPING, "encoding": "latin-1"})
        assert answer.status_code == 201, answer.text
        assert "Caf\u00e9" in await accounts(world)


class TestRefused:
    async def test_lists_every_row_at_fault_and_takes_none(self, world: World) -> None:
        before = await accounts(world)
        answer = await send(
            world,
            csv(
                ROWS[0],
                "A-2,Beta,FinTech,2023-08-17,Pro,18,TRUE",
                "A-3,,FinTech,17/8/2023,Pro,many,TRUE",
                "A-1,Alpha again,EdTech,16/10/2024,Basic,9,FALSE",
                "A-5,Short",
            ),
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "import_refused")
        details = answer.json()["details"]
        assert [(one["row"], one["column"], one["code"]) for one in details["faults"]] == [
            (3, "signup_date", "value_not_date"),
            (4, "account_name", "value_missing"),
            (4, "seats", "value_not_number"),
            (6, "", "row_width"),
        ]
        assert await accounts(world) == before
        kept = (await world.as_(Role.ops).get(f"{V1}/imports/{details['import']}")).json()
        assert (kept["status"], len(kept["faults"])) == ("refused", 4)

    async def test_keys_that_stand_twice(self, world: World) -> None:
        answer = await send(world, csv(*ROWS, ROWS[0]))
        assert (answer.status_code, answer.json()["code"]) == (422, "import_refused")
        assert [(one["row"], one["code"]) for one in answer.json()["details"]["faults"]] == [
            (4, "key_repeated")
        ]

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "file_empty"),
            (csv("1,2", header="id,name"), "file_header"),
            (csv('A-1,"Alpha'), "file_format"),
        ],
    )
    async def test_files_that_are_wrong_as_a_whole(
        self, world: World, content: bytes, code: str
    ) -> None:
        answer = await send(world, content)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        listed = (await world.as_(Role.ops).get(f"{V1}/imports")).json()["items"]
        assert [one["status"] for one in listed] == ["failed"]

    async def test_a_mapping_to_an_unknown_field(self, world: World) -> None:
        mapping = {**MAPPING, "columns": {**MAPPING["columns"], "org_id": "account_id"}}
        answer = await send(world, csv(*ROWS), mapping)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["details"]["fields"][0]["field"].startswith("body.mapping")


class TestContacts:
    MAPPING = {  # noqa: RUF012
        "kind": "contacts",
        "columns": {"external_id": "id", "account": "company", "name": "name", "email": "mail"},
    }

    async def test_hang_on_their_accounts(self, world: World) -> None:
        await send(world, csv(*ROWS))
        content = csv("C-1,A-1,Ada,ada@example.test", header="id,company,name,mail")
        answer = await send(world, content, self.MAPPING)
        assert counts(answer) == (1, 1, 0, 0)
        found = (await world.as_(Role.csm).get(f"{V1}/contacts")).json()["items"]
        assert [(one["name"], one["kind"]) for one in found] == [("Ada", "end_user")]

    async def test_without_their_account(self, world: World) -> None:
        content = csv("C-1,A-9,Ada,ada@example.test", header="id,company,name,mail")
        answer = await send(world, content, self.MAPPING)
        faults = answer.json()["details"]["faults"]
        assert [(one["row"], one["column"], one["code"]) for one in faults] == [
            (2, "company", "account_unknown")
        ]


class TestMany:
    async def test_twenty_thousand_rows_arrive_whole(self, world: World) -> None:
        rows = (f"K-{i},Name {i},EdTech,16/10/2024,Basic,9,FALSE" for i in range(20_000))
        answer = await send(world, csv(*rows))
        assert counts(answer) == (20_000, 20_000, 0, 0)
