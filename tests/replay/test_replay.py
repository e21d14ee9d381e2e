"""What was recorded once replays for ever: sleeping workflows survive every change of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from anyio import Path as AsyncPath
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workflows.registry import WORKFLOWS, workflow_runner

pytestmark = pytest.mark.anyio

RECORDED = sorted(Path(__file__).parent.glob("schema-*/*.json"))
KINDS = {
    "happy",
    "escalated",
    "reassigned",
    "paused",
    "cancelled",
    "continued",
    "retried",
    "knowing",
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_history_replays(recorded: Path) -> None:
    replayer = Replayer(
        workflows=list(WORKFLOWS),
        workflow_runner=workflow_runner(),
        data_converter=pydantic_data_converter,
    )
    history = WorkflowHistory.from_json(recorded.stem, await AsyncPath(recorded).read_text())
    await replayer.replay_workflow(history)


def test_there_is_a_history_of_every_kind_and_workflow() -> None:
    assert {path.stem for path in RECORDED} >= KINDS
    started = {
        json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"][
            "workflowType"
        ]["name"]
        for path in RECORDED
    }
    assert started == {"Execution", "Delivery", "Digest"}
    assert len(WORKFLOWS) == len(started)
