"""Settings come from the environment once, and a wrong one is named without being shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.errors import Invalid
from runtime import settings
from runtime.temporal_client import connection


def test_database_takes_every_spelling_of_the_scheme() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        read = settings.read_database({"DATABASE_URL": f"{scheme}://u:p@host/db"})
        assert read.url == "postgresql+psycopg://u:p@host/db"


def test_database_is_asked_for_by_its_variable() -> None:
    with pytest.raises(Invalid) as refused:
        settings.read_database({})
    assert refused.value.code == "settings_invalid"
    assert refused.value.message.startswith("DATABASE_URL is not set")


def test_a_wrong_address_is_refused_without_its_password() -> None:
    with pytest.raises(Invalid) as refused:
        settings.read_database({"DATABASE_URL": "mysql://u:hunter2@host/db"})
    assert "DATABASE_URL" in refused.value.message
    assert "hunter2" not in repr(refused.value) + str(refused.value.__cause__)


def test_passwords_are_not_in_what_settings_print() -> None:
    database = settings.read_database({"DATABASE_URL": "postgresql://u:hunter2@host/db"})
    mail = settings.read_mail({"HOLDFAST_SMTP_HOST": "mail", "HOLDFAST_SMTP_PASSWORD": "hunter2"})
    assert "hunter2" not in repr(database) + repr(mail)


def test_mail_is_off_until_a_host_is_named() -> None:
    assert settings.read_mail({}).host is None


def test_mail_reads_what_a_server_needs() -> None:
    mail = settings.read_mail(
        {
            "HOLDFAST_SMTP_HOST": "mail.example",
            "HOLDFAST_SMTP_PORT": "587",
            "HOLDFAST_SMTP_TLS": "starttls",
            "HOLDFAST_SMTP_FROM": "Playbooks <playbooks@example.com>",
        }
    )
    assert (mail.host, mail.port, mail.tls) == ("mail.example", 587, "starttls")
    assert mail.sender == "Playbooks <playbooks@example.com>"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("HOLDFAST_PORT", "99999"), ("HOLDFAST_PORT", "x"), ("HOLDFAST_PUBLIC_URL", "holdfast.io")],
)
def test_a_wrong_bind_is_named(variable: str, value: str) -> None:
    with pytest.raises(Invalid) as refused:
        settings.read_http({variable: value})
    assert refused.value.details == {"variable": variable}


def test_the_address_for_people_is_the_public_one_where_there_is_one() -> None:
    assert settings.read_http({}).address == "http://127.0.0.1:8000"
    public = settings.read_http({"HOLDFAST_PUBLIC_URL": "https://holdfast.example/"})
    assert public.address == "https://holdfast.example"


def test_only_loopback_counts_as_this_machine_alone() -> None:
    assert settings.read_http({"HOLDFAST_HOST": "localhost"}).loopback
    assert not settings.read_http({"HOLDFAST_HOST": "0.0.0.0"}).loopback


def test_a_variable_that_is_empty_counts_as_not_set() -> None:
    assert settings.read_run({"HOLDFAST_DATA_DIR": "", "HOLDFAST_DEMO": ""}).data_dir == Path(
        ".holdfast"
    )


def test_settings_do_not_change() -> None:
    http = settings.read_http({})
    with pytest.raises(ValidationError):
        http.port = 1  # type: ignore[misc]


def test_temporal_is_read_from_its_standard_environment() -> None:
    found = connection(
        {"TEMPORAL_ADDRESS": "cluster:7233", "TEMPORAL_NAMESPACE": "ours", "TEMPORAL_API_KEY": "k"}
    )
    assert found["target_host"] == "cluster:7233"
    assert found["namespace"] == "ours"
    assert found["tls"] is True


def test_temporal_is_local_and_in_our_namespace_by_default() -> None:
    found = connection({"TEMPORAL_CONFIG_FILE": "/dev/null"})
    assert found["target_host"] == "127.0.0.1:7233"
    assert found["namespace"] == "holdfast"


def test_temporal_is_read_from_the_environment_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cluster:7233")
    assert connection(os.environ)["target_host"] == "cluster:7233"
