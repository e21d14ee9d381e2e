"""`holdfast playbook list|publish|diff`: the playbooks of a running installation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from commands.findings import print_findings
from commands.output import FAILED, USAGE, AsJson, fails_plainly, show, table
from commands.remote import Remote
from domain.errors import Finding, HoldfastError

_YAML = {"Content-Type": "application/yaml"}
_WIDEST = 60


def register(app: typer.Typer) -> None:
    """Add the commands to the group `playbook`."""
    app.command("list")(list_playbooks)
    app.command("publish")(publish)
    app.command("diff")(diff)


@fails_plainly
def list_playbooks(as_json: AsJson = False) -> None:
    """List the organization's playbooks with their versions and how many executions are open."""
    found = list(Remote().pages("/playbooks"))
    columns = ("key", "name", "enabled", "enabled_version", "newest_version", "running")
    show(found, table(found, columns), as_json=as_json)


@dataclass(slots=True)
class _Published:
    """What became of one file."""

    file: str
    playbook: str | None = None
    version: int | None = None
    created: bool = False
    enabled: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def words(self) -> str:
        if self.findings:
            return f"{self.file}: nothing was published."
        done = "published as" if self.created else "already there as"
        also = ", enabled" if self.enabled else ""
        return f"{self.file}: {self.playbook} {done} version {self.version}{also}"


@fails_plainly
def publish(
    files: Annotated[list[Path], typer.Argument(help="Playbook files, in the order given.")],
    enable: Annotated[
        bool, typer.Option("--enable", help="Let new executions start with these versions.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish files as new versions. Exit codes: 0 all there, 1 findings, 2 unreadable.

    The same content again is the version it is already. A file with findings publishes nothing;
    the others are published all the same.
    """
    contents = {str(path): _bytes(path) for path in files}
    remote = Remote()
    results = [_publish(remote, file, content, enable) for file, content in contents.items()]
    if as_json:
        show([asdict(one) for one in results], "", as_json=True)
    else:
        for one in results:
            lines = contents[one.file].decode(errors="replace").splitlines()
            print_findings(one.findings, {one.file: lines})
            typer.echo(one.words)
    if any(one.findings for one in results):
        raise typer.Exit(FAILED)


@fails_plainly
def diff(
    key: Annotated[str, typer.Argument(help="The playbook's key.")],
    against: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE | N M",
            help="A file, or one or two versions; without, the newest and the one before it.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 where something differs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what publishing FILE would change, or what differs between versions N and M."""
    found = _difference(key, against or [])
    show(found, _compared(found), as_json=as_json)
    if exit_code and not found["same"]:
        raise typer.Exit(FAILED)


def _publish(remote: Remote, file: str, content: bytes, enable: bool) -> _Published:
    result = _Published(file)
    try:
        made = remote.send("/playbooks", content=content, headers=_YAML)
    except HoldfastError as error:
        result.findings = _findings(error, file)
        return result
    result.playbook, result.version = made["playbook"], made["number"]
    result.created = made["created"]
    if enable:
        body = {"version": result.version}
        result.enabled = remote.post(f"/playbooks/{result.playbook}/enable", body)["enabled"]
    return result


def _difference(key: str, against: list[str]) -> Any:
    path = f"/playbooks/{key}/diff"
    numbers = [int(word) for word in against if word.isdecimal()]
    if len(numbers) == len(against) <= 2:
        before, after = (*numbers, None, None)[:2]
        return Remote().get(path, before=before, after=after)
    if len(against) > 1:
        raise typer.BadParameter("Give one file, or one or two numbers of versions.")
    content = _bytes(Path(against[0]))
    try:
        return Remote().send(path, content=content, headers=_YAML)
    except HoldfastError as error:
        findings = _findings(error, against[0])
        lines = content.decode(errors="replace").splitlines()
        print_findings(findings, {against[0]: lines})
        raise typer.Exit(FAILED) from error


def _findings(error: HoldfastError, file: str) -> list[Finding]:
    """The faults that the API found, named as the file is here; other errors are raised again."""
    found = error.details.get("findings")
    if not isinstance(found, list) or not found:
        raise error
    return [Finding(**{**one, "file": file}) for one in found]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        typer.echo(
            f"{path} cannot be read: {error.strerror or error}. Check the path and its rights. "
            "[file_unreadable]",
            err=True,
        )
        raise typer.Exit(USAGE) from error


def _compared(found: dict[str, Any]) -> str:
    after = "the file" if found["after"] is None else f"version {found['after']}"
    head = f"{found['playbook']}: version {found['before']} and {after}"
    if found["same"]:
        return f"{head} are the same."
    return "\n".join([f"{head}:", *(_changed(one) for one in found["differences"])])


def _changed(one: dict[str, Any]) -> str:
    thing = f"{one['part']} {one['key']}"
    match one["kind"]:
        case "added":
            return f"+ {thing}"
        case "removed":
            return f"- {thing}"
        case _:
            return f"~ {thing}, {one['field']}: {_short(one['before'])} → {_short(one['after'])}"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    words = value if isinstance(value, str) else orjson.dumps(value).decode()
    return words if len(words) <= _WIDEST else words[: _WIDEST - 1] + "…"
