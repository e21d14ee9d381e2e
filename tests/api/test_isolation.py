"""Another organization's ids open nothing, on every route that takes one; roles on every route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from api.auth.permissions import ALLOWED, Guarding, Permission, guarding_of, may
from api.mounted import ROUTERS
from db.models.deliveries import Delivery
from db.models.memberships import Membership
from domain.playbook.definition import Role
from runtime.ids import new_id
from tests.api.world import V1, World

pytestmark = pytest.mark.anyio

INSTANT = "2030-01-01T00:00:00Z"
BODIES: dict[str, dict[str, Any]] = {
    "/steps/{step}/waive": {"reason": "x"},
    "/steps/{step}/wait": {"reason_code": "x", "follow_up_at": INSTANT},
    "/steps/{step}/snooze": {"until": INSTANT, "reason": "x"},
    "/steps/{step}/amend": {"field": "cause", "value": "x", "reason": "x"},
    "/steps/{step}/comment": {"text": "x"},
    "/statistics": {"fields": {"health.score": 1}},
}
OWN_KEYS = {"key", "number", "role", "step"}
"""Path parameters that are no ids: keys exist in both organizations."""


def routes() -> Iterator[tuple[str, str, Guarding]]:
    """Method, path and guarding of every route of the API."""
    for router in ROUTERS:
        for route in router.routes:
            for method in sorted(getattr(route, "methods", None) or ()):
                yield method, str(getattr(route, "path", "")), guarding_of(route.endpoint)  # type: ignore[attr-defined]


ROUTES = sorted(routes(), key=lambda one: (one[1], one[0]))


def parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


BY_ID = [one for one in ROUTES if set(parameters(one[1])) - OWN_KEYS]


async def ids_of(world: World) -> dict[str, str]:
    """One thing of each kind in this organization, by the name of the path's parameter."""
    ops, csm = world.as_(Role.ops), world.as_(Role.csm)
    account = str(world.account)
    made = {"account": account, "execution": (await world.start())["id"]}

    async def make(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str:
        answer = await client.post(f"{V1}{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    made["contact"] = await make(csm, "/contacts", {"account": account, "name": "Ada"})
    made["deal"] = await make(
        csm, "/deals", {"account": account, "name": "Renewal", "stage": "open"}
    )
    made["subscription"] = await make(csm, "/subscriptions", {"account": account})
    made["task"] = await make(csm, "/tasks", {"title": "Call"})
    made["note"] = await make(csm, "/notes", {"account": account, "text": "x"})
    made["touch"] = await make(csm, "/touches", {"account": account, "kind": "mail"})
    made["absence"] = await make(
        csm,
        "/absences",
        {
            "delegate": str(world.people[Role.support].id),
            "starts_at": "2029-01-01T00:00:00Z",
            "ends_at": INSTANT,
        },
    )
    made["endpoint"] = await make(
        ops, "/webhook-endpoints", {"url": "https://hooks.example.test/x"}
    )
    imported = await ops.post(
        f"{V1}/imports",
        files={"file": ("a.csv", b"id,name\nA-1,Alpha\n", "text/csv")},
        data={"mapping": '{"kind": "accounts", "columns": {"external_id": "id", "name": "name"}}'},
    )
    made["import_id"] = imported.json()["id"]
    made["delivery"] = str(await dead_letter(world))
    return made


async def dead_letter(world: World) -> UUID:
    """A delivery that was given up."""
    identity = new_id()
    async with world.database.transaction(world.scope) as session:
        session.add(
            Delivery(
                org_id=world.scope.org,
                id=identity,
                ordinal=1,
                channel="mail",
                recipient_kind="member",
                template="digest",
                carrier="own",
                status="dead",
            )
        )
    return identity


async def deactivate(world: World, role: Role) -> None:
    async with world.database.transaction(world.scope) as session:
        found = await session.get(Membership, world.people[role].id)
        assert found is not None
        found.active = False


async def call(
    client: httpx.AsyncClient, method: str, path: str, ids: dict[str, str], member: str
) -> httpx.Response:
    values = {**ids, "step": "analyse-usage", "role": "csm", "key": "none", "number": "1"}
    body = next((b for end, b in BODIES.items() if path.endswith(end)), {})
    if path.endswith("/reassign"):
        body = {"to": member}
    if path.endswith("/team/{role}"):
        body = {"member": member}
    sent = {} if method in {"GET", "DELETE"} else {"json": body}
    return await client.request(method, V1 + path.format(**values), **sent)  # type: ignore[arg-type]


class TestObjectSwap:
    async def test_every_route_by_id_answers_404_to_another_organization(
        self, world: World, elsewhere: World
    ) -> None:
        theirs = await ids_of(elsewhere)
        member = str(world.people[Role.csm].id)
        client = world.as_(Role.admin)
        answers = {
            (method, path): (await call(client, method, path, theirs, member)).status_code
            for method, path, _ in BY_ID
        }
        assert {route: status for route, status in answers.items() if status != 404} == {}

    async def test_and_not_to_its_own(self, world: World) -> None:
        own = await ids_of(world)
        client = world.as_(Role.admin)
        member = str(world.people[Role.csm].id)
        answers = {
            path: (await call(client, method, path, own, member)).status_code
            for method, path, _ in BY_ID
            if method == "GET"
        }
        assert {path: status for path, status in answers.items() if status != 200} == {}

    async def test_lists_show_nothing_of_another_organization(
        self, world: World, elsewhere: World
    ) -> None:
        theirs = await ids_of(elsewhere)
        client = world.as_(Role.admin)
        lists = [path for method, path, _ in ROUTES if method == "GET" and not parameters(path)]
        for path in lists:
            answer = await client.get(V1 + path)
            assert answer.status_code == 200, (path, answer.text)
            assert not any(one in answer.text for one in theirs.values()), path


class TestRoles:
    async def test_every_route_asks_for_its_permission(self, world: World) -> None:
        """Without it 403 and nothing else; with it anything but 401 and 403."""
        own = {name: "01900000-0000-7000-8000-000000000000" for name in _all_parameters()}
        member = str(world.people[Role.csm].id)
        wrong = {}
        for role in (Role.csm, Role.finance, Role.auditor, Role.ops):
            client = world.as_(role)
            for method, path, guarding in ROUTES:
                status = (await call(client, method, path, own, member)).status_code
                allowed = may((role,), guarding.permission)
                if (status == 403) is allowed or status in {401, 500}:
                    wrong[role, method, path] = status
        assert wrong == {}

    async def test_anonymous_enters_nowhere(self, world: World) -> None:
        own = {name: "01900000-0000-7000-8000-000000000000" for name in _all_parameters()}
        client = world.bearing(None)
        statuses = {
            (method, path): (await call(client, method, path, own, "x")).status_code
            for method, path, _ in ROUTES
        }
        assert set(statuses.values()) == {401}

    def test_every_permission_has_a_row(self) -> None:
        assert set(ALLOWED) == set(Permission)

    async def test_a_deactivated_member_is_refused_at_once(self, world: World) -> None:
        client = world.as_(Role.csm)
        assert (await client.get(f"{V1}/me")).status_code == 200
        await deactivate(world, Role.csm)
        assert (await client.get(f"{V1}/me")).status_code == 401


def _all_parameters() -> set[str]:
    return {name for _, path, _ in ROUTES for name in parameters(path)}


class TestServedDocument:
    def test_is_openapi_3_1_and_names_every_route(self, app: FastAPI) -> None:
        document = app.openapi()
        assert document["openapi"] == "3.1.0"
        for method, path, _ in ROUTES:
            operation = document["paths"][V1 + path][method.lower()]
            assert operation["security"] == [{"token": []}]
            assert {"401", "403", "404", "422", "503"} <= set(operation["responses"])
