"""The bare arm's HTTP: a thin route that starts the workflow, or sends it an Update and waits.

No sign-in, no permission, no validation beyond types: each of these is in the bare arm's favour.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import NAMESPACE_OID, UUID, uuid5

import uvicorn
from fastapi import FastAPI, Header, Request
from pydantic import BaseModel
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from bench.bare.messages import TASK_QUEUE, BareAnswer, BareCommand, BareInput
from bench.bare.workflow import BareWorkflow
from bench.playbook import DUE_AFTER, STEPS
from runtime.temporal_client import connected_client, connection

ACTOR = "00000000-0000-7000-8000-000000000001"


class StartBody(BaseModel):
    playbook: str
    account: UUID


class CompleteBody(BaseModel):
    evidence: dict[str, int]


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    app.state.client = await connected_client(connection(os.environ))
    yield


app = FastAPI(lifespan=_connected)
Key = Annotated[str, Header()]


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/executions", status_code=201)
async def start(request: Request, body: StartBody, idempotency_key: Key) -> dict[str, Any]:
    """Durable when Temporal has it; the first step is readable when the workflow has written."""
    execution = str(uuid5(NAMESPACE_OID, idempotency_key))
    await request.app.state.client.start_workflow(
        BareWorkflow.run,
        BareInput(execution, str(body.account), ACTOR, STEPS, DUE_AFTER.total_seconds()),
        id=f"bare-{execution}",
        task_queue=TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    return {"execution": {"id": execution}}


@app.post("/executions/{execution}/steps/{step}/complete")
async def complete(
    request: Request, execution: UUID, step: str, body: CompleteBody, idempotency_key: Key
) -> Any:
    """Answered when the transition's rows are committed and the next step is readable."""
    handle = request.app.state.client.get_workflow_handle_for(BareWorkflow.run, f"bare-{execution}")
    try:
        answer: BareAnswer = await handle.execute_update(
            BareWorkflow.complete,
            BareCommand(step, ACTOR, idempotency_key, body.evidence),
            id=idempotency_key,
        )
    except WorkflowUpdateFailedError as error:
        code = getattr(error.cause, "type", "failed")
        return {"code": code}
    return {"number": answer.number, "open": answer.open}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["HOLDFAST_PORT"]),
        log_config=None,
        access_log=False,
    )
