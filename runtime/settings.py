"""Settings by concern, read once from the environment where a process is composed.

Temporal's own (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…`) and
OpenTelemetry's (`OTEL_…`) keep their standard names and are read by `temporal_client` and
`telemetry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from domain.errors import Invalid

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(_Settings):
    """Where PostgreSQL is: `DATABASE_URL` as the app role, and as the owner for migrations."""

    url: str = Field(repr=False)
    admin_url: str | None = Field(default=None, repr=False)

    @field_validator("url", "admin_url")
    @classmethod
    def _name_driver(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        return f"postgresql+psycopg://{rest}"


class MailSettings(_Settings):
    """The SMTP server mail leaves by; without a host no mail is sent and mail deliveries fail."""

    host: str | None = None
    port: int = Field(default=25, ge=1, le=65535)
    sender: str = "Holdfast <holdfast@localhost>"
    tls: Literal["none", "starttls", "implicit"] = "none"
    user: str | None = None
    password: SecretStr | None = None


class HttpSettings(_Settings):
    """Where the API listens, and the address people reach it by."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = ""

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("does not begin with http:// or https://")
        return value.rstrip("/")

    @property
    def address(self) -> str:
        """The address in links that people get."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{shown}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in LOOPBACK_HOSTS


class WebhookSettings(_Settings):
    """`allow_loopback` lets outgoing webhooks reach this machine, for development alone."""

    allow_loopback: bool = False


class RunSettings(_Settings):
    """How this process runs: its data directory, its logs, and whether demo sign-in is allowed."""

    data_dir: Path = Path(".holdfast")
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    demo: bool = False


_DATABASE = {"url": "DATABASE_URL", "admin_url": "HOLDFAST_ADMIN_DATABASE_URL"}
_MAIL = {
    "host": "HOLDFAST_SMTP_HOST",
    "port": "HOLDFAST_SMTP_PORT",
    "sender": "HOLDFAST_SMTP_FROM",
    "tls": "HOLDFAST_SMTP_TLS",
    "user": "HOLDFAST_SMTP_USER",
    "password": "HOLDFAST_SMTP_PASSWORD",
}
_HTTP = {"host": "HOLDFAST_HOST", "port": "HOLDFAST_PORT", "public_url": "HOLDFAST_PUBLIC_URL"}
_WEBHOOKS = {"allow_loopback": "HOLDFAST_WEBHOOKS_ALLOW_LOOPBACK"}
_RUN = {
    "data_dir": "HOLDFAST_DATA_DIR",
    "log_format": "HOLDFAST_LOG_FORMAT",
    "log_level": "HOLDFAST_LOG_LEVEL",
    "demo": "HOLDFAST_DEMO",
}

_Read = TypeVar("_Read", bound=_Settings)


def read_database(environment: Mapping[str, str]) -> DatabaseSettings:
    """Raises `Invalid` (`settings_invalid`) naming the variable; so do those below."""
    return _read(DatabaseSettings, _DATABASE, environment)


def read_mail(environment: Mapping[str, str]) -> MailSettings:
    return _read(MailSettings, _MAIL, environment)


def read_http(environment: Mapping[str, str]) -> HttpSettings:
    return _read(HttpSettings, _HTTP, environment)


def read_webhooks(environment: Mapping[str, str]) -> WebhookSettings:
    return _read(WebhookSettings, _WEBHOOKS, environment)


def read_run(environment: Mapping[str, str]) -> RunSettings:
    return _read(RunSettings, _RUN, environment)


def _read(kind: type[_Read], names: Mapping[str, str], environment: Mapping[str, str]) -> _Read:
    """A variable that is set but empty counts as not set, as in shell scripts and compose files."""
    given: dict[str, Any] = {
        field: environment[name] for field, name in names.items() if environment.get(name)
    }
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        variable = names[str(first["loc"][0])]
        if first["type"] == "missing":
            message = f"{variable} is not set. Set it in the environment and start again."
        else:
            fault = str(first["msg"]).removeprefix("Value error, ")
            message = f"{variable} cannot be used: {fault}. Correct it and start again."
        raise Invalid(
            message, code="settings_invalid", details={"variable": variable}
        ) from None  # the cause would carry the value, which may be a password
