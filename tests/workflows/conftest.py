from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.temporal import SkippingTemporal, skipping_temporal


@pytest.fixture(scope="module")
async def temporal(anyio_backend: str) -> AsyncIterator[SkippingTemporal]:
    """One server for a module; its workflows have ids of their own."""
    async with skipping_temporal() as server:
        yield server
