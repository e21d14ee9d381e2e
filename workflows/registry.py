"""Every workflow we run, and the sandbox they run in."""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.delivery import DeliveryWorkflow
from workflows.digest import DigestWorkflow
from workflows.execution import ExecutionWorkflow

WORKFLOWS = (ExecutionWorkflow, DeliveryWorkflow, DigestWorkflow)


def workflow_runner() -> SandboxedWorkflowRunner:
    """The sandbox, which shares only pydantic, the domain's plain types and the interfaces.

    Sharing them saves memory for each sleeping workflow; none of them has state.
    """
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "pydantic",
            "pydantic_core",
            "domain",
            "workflows.interfaces",
            "workflows.messages",
            "workflows.life",
        )
    )
