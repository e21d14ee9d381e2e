"""The embedded PostgreSQL: starts, keeps what it acknowledged, and recovers from being killed."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from domain.errors import Conflict
from runtime.embedded import privileges, processes
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.postgres_tools import binaries, initialize, major_of, run_tool


@pytest.fixture
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    yield made
    shutil.rmtree(made)


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def do(server: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_serves_durably_in_utc_and_code_point_order(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        assert str(ask(server, "show server_version")).startswith("18.")
        assert ask(server, "show fsync") == "on"
        assert ask(server, "show synchronous_commit") == "on"
        assert ask(server, "show timezone") == "UTC"
        assert ask(server, "show data_checksums") == "on"
        assert ask(server, "select min(x) from (values ('a'), ('B')) t(x)") == "B"
        assert ask(server, "select upper('é')") == "É"


def test_lets_only_its_own_user_reach_the_socket(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert ask(server, "show listen_addresses") == ""


def test_asks_a_password_over_tcp(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg", tcp=True) as server:
        url = server.tcp_url(scheme="postgresql")
        psycopg.connect(url).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", password="wrong")
        password_file = directory / "pg" / "password"
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600


def test_keeps_its_data_over_a_stop(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        do(server, "create table kept as select 7 as n")
    with EmbeddedPostgres(directory / "pg") as server:
        assert ask(server, "select n from kept") == 7


def test_keeps_what_was_committed_when_killed(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        do(server, "create table kept as select 7 as n")
        address = server.url()
        server.kill()
        assert not server.alive
        server.restart()
        assert server.url() == address
        assert ask(server, "select n from kept") == 7


def test_takes_over_from_a_server_whose_starter_was_killed(directory: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(directory / "pg")], stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    orphan = int(started.stdout.readline())
    started.kill()
    started.wait()
    started.stdout.close()
    with EmbeddedPostgres(directory / "pg") as server:
        assert server.pid != orphan
        assert is_gone(orphan)
        assert ask(server, "select n from kept") == 7


def test_ends_with_the_process_that_started_it(directory: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(directory / "pg")], stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    server = int(started.stdout.readline())
    started.kill()
    started.wait()
    started.stdout.close()
    assert is_gone(server, within=20)
    assert processes.working_in(directory / "pg" / "data") == []


def test_is_not_misled_by_a_pid_that_another_program_has_now(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        do(server, "create table kept as select 7 as n")
        pid_file = server.data / "postmaster.pid"
        words = pid_file.read_text().split("\n", 1)[1]
        server.kill()
    pid_file.write_text(f"{os.getpid()}\n{words}")
    with EmbeddedPostgres(directory / "pg") as server:
        assert ask(server, "select n from kept") == 7


def test_refuses_a_second_server_and_leaves_the_first_alone(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        with pytest.raises(Conflict) as refused:
            EmbeddedPostgres(directory / "pg").start()
        assert refused.value.code == "directory_in_use"
        assert str(os.getpid()) in refused.value.message
        assert ask(server, "select 1") == 1


def test_serves_under_a_path_too_long_for_a_socket(directory: Path) -> None:
    deep = directory / ("d" * 120) / "pg"
    with EmbeddedPostgres(deep) as server:
        assert ask(server, "select 1") == 1
        place = server.socket_directory
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not place.exists()


def test_rolls_back_and_recovers_from_an_immediate_stop(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        do(server, "create table kept as select 7 as n")
        server.kill(signal.SIGQUIT)
        server.restart()
        assert ask(server, "select n from kept") == 7


def test_refuses_data_of_a_newer_major_and_changes_nothing(directory: Path) -> None:
    with EmbeddedPostgres(directory / "pg") as server:
        version = server.data / "PG_VERSION"
    version.write_text("19\n")
    with pytest.raises(Conflict) as refused:
        EmbeddedPostgres(directory / "pg").start()
    assert refused.value.code == "postgres_major_mismatch"
    assert "PostgreSQL 19" in refused.value.message
    assert "Nothing was changed" in refused.value.message
    version.write_text("18\n")
    with EmbeddedPostgres(directory / "pg") as server:
        assert ask(server, "select 1") == 1


def test_upgrades_data_of_the_older_major_and_keeps_the_old(directory: Path) -> None:
    place = directory / "pg"
    make_old_server(place)
    with EmbeddedPostgres(place) as server:
        assert str(ask(server, "show server_version")).startswith("18.")
        assert ask(server, "select n from kept") == 7
    assert major_of(place / "data") == 18
    assert major_of(place / "data.postgres-16") == 16


def test_finishes_an_upgrade_that_was_killed_between_its_renames(directory: Path) -> None:
    place = directory / "pg"
    make_old_server(place)
    with EmbeddedPostgres(place):
        pass
    (place / "data").rename(place / "data.upgraded")
    with EmbeddedPostgres(place) as server:
        assert ask(server, "select n from kept") == 7


def make_old_server(place: Path) -> None:
    """A data directory of PostgreSQL 16 with one table, left by a crash."""
    place.mkdir()
    data, log = place / "data", place / "postgres.log"
    user = privileges.server_user(data)
    privileges.open_way(data, user)
    privileges.give(data, user)
    initialize(data, user, log, "secret", major=16)
    control = f"{binaries(16) / 'pg_ctl'} -D {data} -w"
    options = "-c listen_addresses= -c unix_socket_directories=."
    table = "create table kept as select 7 as n"
    script = (
        f"{control} -o '{options}' start"
        f" && {binaries(16) / 'psql'} -h {data} -U postgres -c '{table}'"
        f" && {control} -m immediate stop"
    )
    run_tool(["/bin/sh", "-c", script], user=user, log=log, cwd=Path("/"))


def is_gone(pid: int, *, within: float = 0) -> bool:
    """Whether a process has ended; one that nobody has buried yet has."""
    try:
        return processes.wait_gone(psutil.Process(pid), within)
    except psutil.NoSuchProcess:
        return True


_STARTER = """
import sys, time
from pathlib import Path
import psycopg
from runtime.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
    connection.execute("create table kept as select 7 as n")
print(server.pid, flush=True)
time.sleep(120)
"""
