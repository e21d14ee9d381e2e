"""Loops of the worker that go on for good: with a pace, a back-off, and a clean end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

LONGEST_BACK_OFF = 5.0
"""Seconds between tries while PostgreSQL or Temporal is down: small, so that all is told soon."""


async def keep_doing(
    name: str,
    work: Callable[[], Awaitable[bool]],
    *,
    pause: float,
    stop: asyncio.Event,
) -> None:
    """Do `work` until `stop`, every `pause` seconds, or at once again where it returns True.

    Whatever fails is logged by its kind and tried again, later each time.
    """
    failures = 0
    while not stop.is_set():
        try:
            again = await work()
        except Exception as error:
            # A loop that ends would leave everything after it undone until a restart.
            failures += 1
            if failures in (1, 10) or failures % 100 == 0:
                log.warning("%s failed %s times: %s", name, failures, _kind(error))
            await _rest(stop, min(pause * 2**failures, LONGEST_BACK_OFF))
            continue
        if failures:
            log.info("%s goes on after %s failures", name, failures)
            failures = 0
        if not again:
            await _rest(stop, pause)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _kind(error: Exception) -> str:
    return str(getattr(error, "code", None) or type(error).__name__)
