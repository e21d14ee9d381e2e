"""The embedded Temporal server: our namespace, and nothing lost when it is killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from domain.errors import Conflict
from runtime.embedded import processes
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.temporal_client import connected_client, connection, lazy_client

ORGANIZATION = SearchAttributeKey.for_keyword("Organization")


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    yield made
    shutil.rmtree(made)


async def client_of(server: EmbeddedTemporal) -> Client:
    return await connected_client(connection({"TEMPORAL_ADDRESS": server.address}))


async def begin(client: Client, workflow_id: str) -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(ORGANIZATION, "one")])
    await client.start_workflow(
        "Sleeper", id=workflow_id, task_queue="nobody", search_attributes=attributes
    )


@pytest.mark.anyio
async def test_keeps_closed_runs_ninety_days_in_a_namespace_of_its_own(directory: Path) -> None:
    with EmbeddedTemporal(directory / "temporal") as server:
        client = await client_of(server)
        answer = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace="holdfast")
        )
    kept = answer.config.workflow_execution_retention_ttl.ToTimedelta()
    assert kept == timedelta(days=90)


@pytest.mark.anyio
async def test_searches_by_our_attributes_as_soon_as_it_is_up(directory: Path) -> None:
    with EmbeddedTemporal(directory / "temporal") as server:
        client = await client_of(server)
        await begin(client, "sleeper")
        described = await client.get_workflow_handle("sleeper").describe()
        assert described.typed_search_attributes[ORGANIZATION] == "one"


@pytest.mark.anyio
async def test_keeps_workflows_and_signals_when_killed(directory: Path) -> None:
    with EmbeddedTemporal(directory / "temporal") as server:
        client = await client_of(server)
        await begin(client, "sleeper")
        await client.get_workflow_handle("sleeper").signal("transition", 1)
        server.kill()
        server.restart()
        history = await client.get_workflow_handle("sleeper").fetch_history()
    assert [event.event_type for event in history.events if event.event_id in (1, 3)] == [1, 26]


@pytest.mark.anyio
async def test_starts_again_on_its_file_and_tolerates_its_namespace(directory: Path) -> None:
    with EmbeddedTemporal(directory / "temporal") as server:
        await begin(await client_of(server), "sleeper")
    with EmbeddedTemporal(directory / "temporal") as server:
        client = await client_of(server)
        assert (await client.get_workflow_handle("sleeper").describe()).id == "sleeper"


def test_ends_a_server_that_the_last_start_left_behind(directory: Path) -> None:
    place = directory / "temporal"
    place.mkdir()
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    processes.record(place / "temporal.pid", left.pid)
    with EmbeddedTemporal(place) as server:
        assert left.wait(5) != 0
        assert server.alive


def test_leaves_a_process_alone_that_only_has_the_same_pid(directory: Path) -> None:
    place = directory / "temporal"
    place.mkdir()
    born = psutil.Process(os.getpid()).create_time() - 3600
    (place / "temporal.pid").write_text(f'{{"pid": {os.getpid()}, "born": {born}}}')
    with EmbeddedTemporal(place) as server:
        assert server.alive


@pytest.mark.anyio
async def test_refuses_a_second_server_and_leaves_the_first_alone(directory: Path) -> None:
    with EmbeddedTemporal(directory / "temporal") as server:
        with pytest.raises(Conflict) as refused:
            EmbeddedTemporal(directory / "temporal").start()
        assert refused.value.code == "directory_in_use"
        await begin(await client_of(server), "sleeper")


@pytest.mark.anyio
async def test_is_not_led_astray_by_the_environment(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "somebody-elses")
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    with EmbeddedTemporal(directory / "temporal") as server:
        assert server.alive


@pytest.mark.anyio
async def test_a_lazy_client_works_once_the_server_is_there(directory: Path) -> None:
    server = EmbeddedTemporal(directory / "temporal")
    client = await lazy_client(connection({"TEMPORAL_ADDRESS": server.address}))
    with pytest.raises((RPCError, RuntimeError)):
        await begin(client, "too-early")
    with server:
        await begin(client, "in-time")
