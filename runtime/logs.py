"""Logs for people or for machines, with what looks like a secret taken out."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

HIDDEN = "[hidden]"
_PATTERNS = (
    re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?=@)", re.IGNORECASE),
    re.compile(r"(?P<keep>\bBearer\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE),
    re.compile(
        r"(?P<keep>\b(?:password|passwd|secret|token|api[_-]?key|authorization|cookie)"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&)}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<keep>\bhf_)[A-Za-z0-9_-]{12,}"),
    re.compile(r"(?P<keep>\bwhsec_)[A-Za-z0-9+/=]+"),
)


def hide_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text without passwords in addresses, bearer tokens, keys, and the known secrets."""
    for secret in known:
        text = text.replace(secret, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<keep>{HIDDEN}", text)
    return text


class TextFormatter(logging.Formatter):
    """`2026-11-22T13:00:00.123Z INFO    worker: words`, in UTC."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        super().__init__()
        self._known = tuple(known)

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_instant(record)} {record.levelname:<7} {record.name}: {_words(self, record)}"
        return hide_secrets(line, self._known)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the error if there is one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        super().__init__()
        self._known = tuple(known)

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": _instant(record),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": hide_secrets(_words(self, record), self._known),
            },
            ensure_ascii=False,
        )


def set_up_logs(log_format: str, level: str, *, secrets: Iterable[str] = ()) -> None:
    """Send every logger of this process to stderr in one form. Call it once, where composed.

    `secrets` are values that must never be shown, such as a password from the settings.
    """
    known = tuple(secret for secret in secrets if len(secret) >= 4)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(known) if log_format == "json" else TextFormatter(known))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # they bring handlers of their own
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _words(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    words = record.getMessage()
    if record.exc_info:
        words += "\n" + formatter.formatException(record.exc_info)
    return words
