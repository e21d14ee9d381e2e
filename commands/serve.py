"""`holdfast api`, `worker`, `migrate`: the processes of an installation, each by itself."""

from __future__ import annotations

import os
import secrets
import sys
from typing import Annotated

import typer
import uvicorn
from sqlalchemy import make_url

from commands.output import AsJson, fails_plainly, show
from db import migrate as migrations
from db import roles
from runtime import settings
from runtime.logs import set_up_logs

_GRACE_SECONDS = 10


@fails_plainly
def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the HTTP API; `DATABASE_URL` and `TEMPORAL_ADDRESS` say where the servers are."""
    for name, given in (("HOLDFAST_HOST", host), ("HOLDFAST_PORT", port)):
        if given is not None:  # the app reads the same environment when it is made
            os.environ[name] = str(given)
    http = settings.read_http(os.environ)
    _start_logs()
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=http.host,
        port=http.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
    )


@fails_plainly
def worker() -> None:
    """Run a worker: deadlines, deliveries, relay. Start as many as you need."""
    os.execv(sys.executable, [sys.executable, "-m", "worker"])


@fails_plainly
def migrate(as_json: AsJson = False) -> None:
    """Make the roles and bring the schema up to date, as `HOLDFAST_ADMIN_DATABASE_URL`.

    The app role gets the password that `DATABASE_URL` names.
    """
    database = settings.read_database(os.environ)
    admin_url = database.admin_url or database.url
    # without one the app role can only connect where the server asks for none
    app_password = make_url(database.url).password or secrets.token_urlsafe(32)
    roles.bootstrap(admin_url, str(app_password))
    migrations.upgrade(admin_url)
    revision = migrations.newest()
    show({"revision": revision}, f"The schema is at {revision}.", as_json=as_json)


def _start_logs() -> None:
    run = settings.read_run(os.environ)
    set_up_logs(run.log_format, run.log_level)
