"""Checks playbook and ladder files as publishing would, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Finding, Invalid, PlaybookInvalid
from domain.playbook.check import not_supported
from domain.playbook.definition import Ladder
from domain.playbook.parse import parse_ladders, parse_located
from domain.playbook.source import Faults, Scalar, decode, read_source
from playbooks.library import LADDERS_FILE, shipped_keys, shipped_ladders

WARNINGS = frozenset({"not_supported_yet"})
"""Codes that publishing refuses, although the file itself is right."""


class Unreadable(Invalid):
    """A file that cannot be opened."""

    code = "file_unreadable"


@dataclass(frozen=True, slots=True)
class Linted:
    """Findings of all files in the order of the files, and the lines that they point into."""

    findings: tuple[Finding, ...]
    lines: dict[str, tuple[str, ...]]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but warnings."""
        return all(finding.code in WARNINGS for finding in self.findings)


def lint_files(paths: Sequence[Path]) -> list[Finding]:
    """Every finding, warnings included; raises Unreadable where a file cannot be opened."""
    return list(lint(paths).findings)


def lint(paths: Sequence[Path]) -> Linted:
    """As `lint_files`, with the lines.

    Files may name each other, the shipped playbooks and ladders, and those of a `ladders.yaml`
    among them.
    """
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for path in paths:
        try:
            texts[str(path)] = decode(_bytes(path), str(path))
        except PlaybookInvalid as error:
            findings.extend(error.findings)
    ladders: dict[str, Ladder] = dict(shipped_ladders())
    for file, text in texts.items():
        if _is_ladders(file):
            try:
                ladders.update(parse_ladders(text, file))
            except PlaybookInvalid as error:
                findings.extend(error.findings)
    known = {*shipped_keys(), *_keys(texts.values())}
    for file, text in texts.items():
        if not _is_ladders(file):
            findings.extend(lint_text(text, file, ladders, known))
    order = {str(path): number for number, path in enumerate(paths)}
    findings.sort(key=lambda each: (order[each.file], each.line, each.column))
    return Linted(tuple(findings), {file: tuple(text.splitlines()) for file, text in texts.items()})


def lint_text(
    text: str, file: str, ladders: dict[str, Ladder], known_playbooks: Iterable[str]
) -> list[Finding]:
    """The findings of one playbook's text, warnings included."""
    try:
        parsed = parse_located(text, file, ladders, set(known_playbooks))
    except PlaybookInvalid as error:
        return error.findings
    return not_supported(parsed.definition, file, parsed.nodes)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(
            f"{path} cannot be read: {error.strerror or error}. Check the path and its rights."
        ) from error


def _is_ladders(file: str) -> bool:
    return Path(file).name == LADDERS_FILE


def _keys(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        root = read_source(text, Faults(""))
        named = root.get("playbook") if root is not None else None
        if isinstance(named, Scalar) and isinstance(named.value, str):
            yield named.value
