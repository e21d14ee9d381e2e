"""`holdfast migrate`: roles and schema, by somebody who may make them."""

from __future__ import annotations

import os
import secrets

from sqlalchemy import make_url

from commands.output import AsJson, fails_plainly, show
from db import migrate as migrations
from db import roles
from runtime import settings


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
