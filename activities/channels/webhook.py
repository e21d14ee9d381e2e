"""Signed webhooks by the Standard Webhooks specification: one id for every try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from standardwebhooks import Webhook

from activities.channels.addresses import AddressRefused, resolve
from activities.channels.results import NotSent, Result, Sent

LONGEST_ASKED_WAIT = 86_400.0
"""Seconds; a receiver that asks for more is tried after a day."""


@dataclass(frozen=True, slots=True)
class Call:
    """One event to one endpoint. `key` is the `webhook-id`; `body` is JSON text."""

    key: str
    url: str
    secret: str
    body: str


class WebhookChannel:
    """Posts events; follows no redirect, reads no body, calls only addresses that were checked."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        self._allow_loopback = allow_loopback

    async def send(self, call: Call, patience: float) -> Result:
        """Try once, at most `patience` seconds; receivers check the instant in the signature."""
        now = datetime.now(UTC)
        try:
            headers = {
                "content-type": "application/json",
                "user-agent": "Holdfast",
                "webhook-id": call.key,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(call.secret).sign(call.key, now, call.body),
            }
        except Exception:
            # The library raises whatever base64 does; a secret that cannot sign never will.
            return NotSent("webhook_secret_invalid", final=True)
        try:
            target = await resolve(call.url, allow_loopback=self._allow_loopback)
        except AddressRefused as refused:
            return NotSent(refused.code, final=refused.final)
        try:
            async with (
                httpx.AsyncClient(
                    timeout=httpx.Timeout(patience), follow_redirects=False, trust_env=False
                ) as client,
                client.stream(
                    "POST",
                    target.pinned,
                    content=call.body.encode(),
                    headers={**headers, "host": target.header},
                    extensions={"sni_hostname": target.host},
                ) as answer,
            ):
                return _answered(answer, now)
        except httpx.TimeoutException:
            return NotSent("webhook_no_answer")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return NotSent("webhook_unreachable", details={"error": type(error).__name__})


def _answered(answer: httpx.Response, now: datetime) -> Result:
    status = answer.status_code
    if 200 <= status < 300:
        return Sent({"http": status})
    if status == 410:
        return NotSent("webhook_gone", final=True, details={"http": status})
    return NotSent(
        "webhook_refused",
        retry_after=_asked_wait(answer.headers.get("retry-after"), now),
        details={"http": status},
    )


def _asked_wait(value: str | None, now: datetime) -> float | None:
    """Seconds from Retry-After, given as a count or as a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_ASKED_WAIT)
