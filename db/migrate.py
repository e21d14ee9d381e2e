"""Brings a database to the newest schema, or back; run by the migrator, never by the app."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from db.urls import for_sqlalchemy

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Applies what is missing, as `holdfast_owner`; `url` is the admin's or the migrator's.

    The roles must exist: see `roles.bootstrap`. Two at once wait for each other.
    """
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Takes migrations back down to `revision`; "base" leaves an empty database."""
    command.downgrade(_config(url), revision)


def newest() -> str:
    """The revision that this code needs."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert head is not None
    return head


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["url"] = for_sqlalchemy(url)
    return config
