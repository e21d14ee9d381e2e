"""A record that was changed behind everybody's back is found, and the transition is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any
from uuid import UUID

import psycopg
import pytest

from db.engine import Database
from domain.playbook.events import Snoozed, StepCompleted
from tests.postgres import FreshDatabase
from tests.scenarios import one_call, world

pytestmark = pytest.mark.anyio


def rederived(database: FreshDatabase, org: UUID, execution: UUID) -> tuple[int, dict[str, Any]]:
    words = ("audit", "rederive", str(execution), "--org", str(org), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=os.environ | {"DATABASE_URL": database.app_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


async def test_a_record_is_whole_until_somebody_changes_it(
    fresh_database: FreshDatabase, db: Database
) -> None:
    scene = await world(db, one_call())
    started = await scene.start()
    later = started.state.started_at.replace(year=2100)
    await scene.apply(started.execution, Snoozed("call", later))
    await scene.apply(started.execution, StepCompleted("call"))

    code, found = rederived(fresh_database, scene.org.org, started.execution)
    assert (code, found["ok"], found["agreed"]) == (0, True, 3)

    url = fresh_database.admin_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "update transitions set at = at - interval '1 millisecond'"
            " where execution_id = %s and number = 2",
            (started.execution,),
        )
    code, found = rederived(fresh_database, scene.org.org, started.execution)
    assert (code, found["number"], found["code"]) == (1, 2, "digest_differs")
