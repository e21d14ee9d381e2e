"""From what a delivery is about to the words of a mail: plain, calm, the same facts every time.

What happened, the account, the step, the due time in the organization's time zone, a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)

DIGEST_ENTRIES = 200
"""Entries written out in one digest; the rest are counted and found in the inbox."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What one notice is about. Instants are aware; `timezone` is an IANA name."""

    code: str
    playbook: str
    timezone: str
    organization: str
    account: str | None = None
    step: str | None = None
    due_at: datetime | None = None
    level: int | None = None
    outcome: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A mail's subject and both of its bodies."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice within a mail."""

    headline: str
    rows: tuple[tuple[str, str], ...]
    link: str | None


_HEADLINES = {
    "step_opened": "A step is yours: {step}",
    "reminder": "Due soon: {step}",
    "escalation": "Overdue, level {level}: {step}",
    "follow_up": "Follow up with the customer: {step}",
    "hand_off_offered": "A hand-off waits for your answer: {step}",
    "hand_off_declined": "The hand-off was declined: {step}",
    "waiver_requested": "A waiver waits for your decision: {step}",
    "waiver_decided": "The waiver was decided: {step}",
    "waiver_expired": "A waiver has expired: {step}",
    "survey_unanswered": "The survey was not answered: {step}",
    "reassigned": "A step was given to you: {step}",
    "notify": "For your information: {step}",
    "ended": "The playbook has ended: {playbook}",
}
_OTHER = "There is news on {playbook}"

_SURVEY = (
    "How likely are you to recommend us to a friend or colleague?",
    "Please answer this mail with a number from 0 (not at all likely) to 10 (extremely likely).",
)


def entry(matter: Matter) -> Entry:
    """One notice in words."""
    pattern = _HEADLINES.get(matter.code, _OTHER)
    if matter.step is None and "{step}" in pattern:
        pattern = _OTHER
    headline = pattern.format(step=matter.step, playbook=matter.playbook, level=matter.level or 1)
    rows = [("Account", matter.account), ("Playbook", matter.playbook)]
    if matter.step is not None:
        rows.append(("Step", matter.step))
    if matter.due_at is not None:
        rows.append(("Due", local_time(matter.due_at, matter.timezone)))
    if matter.outcome is not None:
        rows.append(("Outcome", matter.outcome))
    shown = tuple((label, value) for label, value in rows if value)
    return Entry(headline, shown, matter.link)


def notice(matter: Matter) -> Words:
    """The mail of one notice."""
    one = entry(matter)
    about = f" ({matter.account})" if matter.account else ""
    return _words(
        "notice",
        one_line(f"{one.headline}{about}"),
        headline=one.headline,
        rows=one.rows,
        link=one.link,
        footer=_footer(matter.organization),
    )


def digest(organization: str, matters: Sequence[Matter], count: int) -> Words:
    """The daily mail of what is not urgent; `count` tells all, `matters` those written out."""
    news = "1 notice" if count == 1 else f"{count} notices"
    headline = f"Your day in Holdfast: {news}"
    return _words(
        "digest",
        one_line(headline),
        headline=headline,
        entries=[entry(matter) for matter in matters],
        footer=_footer(organization),
    )


def survey(organization: str) -> Words:
    """The question to a customer contact."""
    question, answer = _SURVEY
    return _words(
        "notice",
        one_line(f"A short question from {organization}"),
        headline=question,
        rows=(("Answer", answer),),
        link=None,
        footer=f"Sent on behalf of {organization}.",
    )


def local_time(at: datetime, timezone: str) -> str:
    """An instant as people in that zone read it."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%A, %d %B %Y, %H:%M %Z")


def one_line(text: str) -> str:
    """Fit for a header: no line breaks, no control characters, bounded."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _footer(organization: str) -> str:
    return f"Sent by Holdfast for {organization}. Answers to this mail are not read."


def _words(template: str, subject: str, **facts: object) -> Words:
    given = {"subject": subject, **facts}
    return Words(
        subject=subject,
        text=_TEMPLATES.get_template(f"{template}.txt").render(given),
        html=_TEMPLATES.get_template(f"{template}.html").render(given),
    )
