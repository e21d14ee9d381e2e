"""The one place where our errors become Temporal's: a code as type, no words (law 16)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from domain.errors import HoldfastError


@asynccontextmanager
async def in_temporals_words() -> AsyncIterator[None]:
    """Our errors leave the block as `ApplicationError` with their code; all may be retried."""
    try:
        yield
    except HoldfastError as error:
        raise ApplicationError(error.code, type=error.code) from None


def again_after(wait: timedelta, code: str) -> ApplicationError:
    """An activity is to be tried again after `wait`, as part of the ordinary course of things."""
    return ApplicationError(code, type=code, next_retry_delay=wait)
