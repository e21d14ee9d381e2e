"""The one place where our errors become Temporal's: a code as type, no words (law 16)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from domain.errors import HoldfastError

log = logging.getLogger(__name__)

UNEXPECTED = "unexpected"


@asynccontextmanager
async def in_temporals_words() -> AsyncIterator[None]:
    """Every error leaves the block as `ApplicationError` with a code; all may be retried.

    The text of an error that nobody foresaw may hold a customer's data, so that neither Temporal
    nor the log gets it: its kind and the way to it are enough to find the fault.
    """
    try:
        yield
    except ApplicationError:
        raise
    except HoldfastError as error:
        raise ApplicationError(error.code, type=error.code) from None
    except Exception as error:
        kind = type(error).__name__
        log.error("%s in\n%s", kind, "".join(traceback.format_tb(error.__traceback__)))
        raise ApplicationError(kind, type=UNEXPECTED) from None


def again_after(wait: timedelta, code: str) -> ApplicationError:
    """An activity is to be tried again after `wait`, as part of the ordinary course of things."""
    return ApplicationError(code, type=code, next_retry_delay=wait)
