"""What every test may ask for by name; nothing here starts by itself."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.postgres"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"
