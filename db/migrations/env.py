"""How Alembic reaches a database: one connection, as the owner, one migrator at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text

from db.models.base import Base
from db.models.registry import TABLES
from db.roles import OWNER

_LOCK = 0x686F6C64  # "hold": any number that only migrators use

assert TABLES
engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.execute(text(f"set role {OWNER}"))
    connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
