"""YAML text as a tree of located nodes, with everything refused that a playbook never needs.

Refused: anchors, aliases, tags, several documents, duplicate keys, keys that are not text, more
than 256 KiB, more than 20 levels. So a hostile text costs no more than a friendly one.
Scalars follow YAML 1.2: `no`, `on` and dates stay text; only null, true, false and numbers do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from domain.errors import Finding, PlaybookInvalid

MOST_BYTES = 256 * 1024
MOST_DEPTH = 20
MOST_FINDINGS = 100
"""More faults than this are not listed: the file is something else, and listing costs time."""

MOST_DIGITS = 15  # of a number: below 2**53, so that JSON carries it exactly

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)\Z")


@dataclass(frozen=True, slots=True)
class Scalar:
    value: str | int | float | bool | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """`entries` in the order of the text; the names are unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int

    def get(self, name: str) -> Node | None:
        return next((node for key, node in self.entries if key.value == name), None)


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class Faults:
    """Collects every finding of one file, so that a person mends them all in one go."""

    file: str
    findings: list[Finding] = field(default_factory=list)

    def add(self, at: Node, code: str, message: str, fix: str) -> None:
        self.add_at(at.line, at.column, code, message, fix)

    @property
    def full(self) -> bool:
        """Whether looking for more faults makes no sense."""
        return len(self.findings) > MOST_FINDINGS

    def add_at(self, line: int, column: int, code: str, message: str, fix: str) -> None:
        finding = Finding(self.file, line, column, code, message, fix)
        if self.full or finding in self.findings:
            return
        if len(self.findings) == MOST_FINDINGS:
            code, message = "too_many", f"There are more than {MOST_FINDINGS} faults."
            finding = Finding(self.file, line, column, code, message, "Mend the others first.")
        self.findings.append(finding)

    def raise_any(self) -> None:
        """Raises PlaybookInvalid with all findings in the order of the text, if there are any."""
        if self.findings:
            raise PlaybookInvalid(
                sorted(self.findings, key=lambda each: (each.line, each.column, each.code))
            )


def decode(data: bytes, file: str) -> str:
    """The text of a file's bytes; raises PlaybookInvalid unless it is UTF-8 (a BOM is dropped)."""
    faults = Faults(file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        faults.add_at(
            line, column, "not_utf8", "The file is not UTF-8.", "Save it in the encoding UTF-8."
        )
        faults.raise_any()
        raise


def read_source(text: str, faults: Faults) -> Mapping | None:
    """The root mapping; None after a fault that leaves nothing to read, which is in `faults`."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        before = text[: error.start]
        faults.add_at(
            before.count("\n") + 1,
            error.start - before.rfind("\n"),
            "not_utf8",
            "The text has half of a character pair, which UTF-8 cannot hold.",
            "Remove the character.",
        )
        return None
    if size > MOST_BYTES:
        faults.add_at(
            1,
            1,
            "too_large",
            f"The file has {size} bytes; a playbook has at most {MOST_BYTES}.",
            "Split it into several playbooks.",
        )
        return None
    try:
        root = _Composer(faults).compose(text)
    except _StopError:
        return None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        here = text.split("\n")[line - 1 : line] or [""]
        tab = "\t" in here[0][: len(here[0]) - len(here[0].lstrip())]
        faults.add_at(
            line,
            column,
            "yaml",
            f"This is not YAML: {error.problem or error.context or 'unreadable'}.",
            "Indent with spaces, not tabs." if tab else "Check indentation, colons and quotes.",
        )
        return None
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        # The reader's own errors for control characters, and what its scanner lets slip.
        position = getattr(error, "position", 0)
        before = text[:position] if isinstance(position, int) else ""
        faults.add_at(
            before.count("\n") + 1,
            len(before) - before.rfind("\n"),
            "yaml",
            "This is not YAML: it holds a character or an escape that is not allowed.",
            "Remove control characters and unknown escapes.",
        )
        return None
    if not isinstance(root, Mapping):
        faults.add_at(
            1,
            1,
            "not_a_mapping",
            "The file has to be a mapping of keys to values.",
            'Begin with a key, as in "playbook: at-risk".',
        )
        return None
    return root


class _StopError(Exception):
    """A fault after which reading on makes no sense; it stands in the findings."""


class _Composer:
    """Nodes from parser events, iteratively, so that depth is counted before it costs anything."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def compose(self, text: str) -> Node | None:
        root: Node | None = None
        documents = 0
        stack: list[tuple[Any, list[Node]]] = []
        for event in YAML(typ="safe", pure=True).parse(text):
            done: Node | None = None
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(
                        event,
                        "several_documents",
                        "A file holds one playbook.",
                        'Remove the line "---" and what follows it.',
                    )
            elif isinstance(event, AliasEvent):
                self._stop(
                    event,
                    "alias",
                    "Aliases are not allowed.",
                    "Write the value out where it is used.",
                )
            elif isinstance(event, ScalarEvent):
                self._refuse_marks(event)
                done = self._scalar(event)
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._refuse_marks(event)
                stack.append((event, []))
                if len(stack) > MOST_DEPTH:
                    self._stop(
                        event,
                        "too_deep",
                        f"Values are nested deeper than {MOST_DEPTH} levels.",
                        "Make the conditions flatter.",
                    )
            elif isinstance(event, MappingEndEvent):
                done = self._mapping(*stack.pop())
            elif isinstance(event, SequenceEndEvent):
                start, items = stack.pop()
                done = Sequence(tuple(items), *_at(start))
            if done is not None:
                if stack:
                    stack[-1][1].append(done)
                else:
                    root = done
        return root

    def _mapping(self, start: Any, flat: list[Node]) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, node in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                self._faults.add(
                    key, "key_not_text", "A key has to be text.", "Write the key as a word."
                )
            elif key.value in entries:
                first = entries[key.value][0]
                self._faults.add(
                    key,
                    "duplicate_key",
                    f'The key "{key.value}" stands here twice (first in line {first.line}).',
                    "Remove one of the two.",
                )
            else:
                entries[key.value] = (key, node)
        return Mapping(tuple(entries.values()), *_at(start))

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        line, column = _at(event)
        if event.style is not None:
            return Scalar(text, line, column)
        if text in ("", "~", "null", "Null", "NULL"):
            return Scalar(None, line, column)
        if text in ("true", "True", "TRUE"):
            return Scalar(True, line, column)
        if text in ("false", "False", "FALSE"):
            return Scalar(False, line, column)
        if len(text) <= MOST_DIGITS:
            if _INTEGER.match(text):
                return Scalar(int(text), line, column)
            if _NUMBER.match(text):
                return Scalar(float(text), line, column)
        return Scalar(text, line, column)

    def _refuse_marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._stop(event, "anchor", "Anchors are not allowed.", f"Remove &{event.anchor}.")
        if event.tag is not None:
            self._stop(event, "tag", "Tags are not allowed.", f"Remove {event.tag}.")

    def _stop(self, event: Any, code: str, message: str, fix: str) -> None:
        line, column = _at(event)
        self._faults.add_at(line, column, code, message, fix)
        raise _StopError


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
