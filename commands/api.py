"""`holdfast api`: one API process; run as many as are needed behind one address."""

from __future__ import annotations

import gc
import os
from typing import Annotated

import typer
import uvicorn
from sqlalchemy import make_url

from api.app import create_app
from api.settings import ApiSettings
from commands.output import fails_plainly
from runtime import settings
from runtime.logs import set_up_logs
from runtime.telemetry import set_up_telemetry
from runtime.temporal_client import connection
from workflows.ids import TASK_QUEUE

_GRACE_SECONDS = 10


@fails_plainly
def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the HTTP API; `DATABASE_URL` and `TEMPORAL_ADDRESS` say where the servers are."""
    given = {"HOLDFAST_HOST": host, "HOLDFAST_PORT": str(port) if port else None}
    environment = {**os.environ, **{name: value for name, value in given.items() if value}}
    http = settings.read_http(environment)
    database = settings.read_database(environment)
    run = settings.read_run(environment)
    password = make_url(database.url).password
    set_up_logs(run.log_format, run.log_level, secrets=[str(password)] if password else [])
    app = create_app(
        ApiSettings(
            database,
            http,
            temporal=connection(environment),
            task_queue=environment.get("TEMPORAL_TASK_QUEUE") or TASK_QUEUE,
            telemetry=set_up_telemetry("api", environment),
        )
    )
    gc.freeze()  # what was loaded stays for good: collections need not walk it
    uvicorn.run(
        app,
        host=http.host,
        port=http.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
    )
