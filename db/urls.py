"""The two spellings of a database's address: for SQLAlchemy, and for psycopg and libpq."""

from __future__ import annotations

from sqlalchemy import URL, make_url

_DRIVER = "postgresql+psycopg"


def for_sqlalchemy(url: str) -> URL:
    """`url` with our driver named, whichever of postgres, postgresql or postgresql+x it began."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername=_DRIVER)


def for_psycopg(url: str) -> str:
    """`url` as libpq takes it, password included."""
    return for_sqlalchemy(url).set(drivername="postgresql").render_as_string(hide_password=False)
