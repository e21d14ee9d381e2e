"""Prints what is wrong with playbook files: place, the line itself with a caret, and the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from domain.errors import Finding
from playbooks.lint import WARNINGS

_WIDEST = 160


def print_findings(findings: Sequence[Finding], lines: Mapping[str, Sequence[str]]) -> None:
    """One paragraph each on stdout; `lines` are the texts by file."""
    console = _console()
    for finding in findings:
        console.print(_described(finding, lines.get(finding.file, ())))


def print_count(findings: Sequence[Finding], files: int) -> None:
    """How many files, errors and warnings there were."""
    errors = sum(each.code not in WARNINGS for each in findings)
    counted = f"{files} file{'s' * (files != 1)}: "
    if not findings:
        _console().print(Text(counted + "no findings", style="green"))
    else:
        words = f"{counted}{errors} errors, {len(findings) - errors} warnings"
        _console().print(Text(words, style="bold"))


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)


def _described(finding: Finding, lines: Sequence[str]) -> Text:
    """Place, message, the line itself with a caret below the column, and the fix."""
    warning = finding.code in WARNINGS
    text = Text()
    text.append(f"{finding.file}:{finding.line}:{finding.column}: ", style="bold")
    text.append("warning: " if warning else "error: ", style="yellow" if warning else "red")
    text.append(f"{finding.message} ")
    text.append(f"[{finding.code}]\n", style="dim")
    if finding.line <= len(lines):
        line, column = _window(lines[finding.line - 1], finding.column)
        number = f"{finding.line:>5} | "
        text.append(f"{number}{line}\n", style="dim")
        text.append(" " * (len(number) + column - 1) + "^\n", style="red")
    text.append(f"  fix: {finding.fix}\n", style="green")
    return text


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around the column, made harmless for a terminal."""
    shown = "".join(each if each.isprintable() else " " for each in line)
    start = max(0, column - _WIDEST // 2) if len(shown) > _WIDEST else 0
    return shown[start : start + _WIDEST], column - start
