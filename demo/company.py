"""Who works at the demo organization: Lumenfeld, an invented maker of shift-planning software.

Every name is made up; mail addresses end in `.example`, which no mail server ever serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from demo.identity import fixed
from domain.playbook.definition import Role
from domain.playbook.events import Actor

ORGANIZATION = fixed("organization")
SERVICE = fixed("service member")
NAME = "Lumenfeld (demo)"
TIMEZONE = "Europe/Berlin"
COUNTRY = "DE"
CALENDAR = "berlin"
OPENS, CLOSES = 9 * 60, 17 * 60
"""Working hours of Monday to Friday, in minutes from local midnight."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member; `manager` is another one's key."""

    key: str
    name: str
    role: Role
    manager: str | None

    @property
    def id(self) -> UUID:
        return fixed("member", self.key)

    @property
    def email(self) -> str:
        return self.name.lower().replace(" ", ".") + "@lumenfeld.example"

    @property
    def actor(self) -> Actor:
        return Actor(str(self.id), (self.role,))


COLLEAGUES: tuple[Colleague, ...] = (
    Colleague("ingrid", "Ingrid Vasseur", Role.executive, None),
    Colleague("jonas", "Jonas Reinhardt", Role.director, "ingrid"),
    Colleague("mara", "Mara Lindqvist", Role.csm, "jonas"),
    Colleague("tomasz", "Tomasz Wieczorek", Role.csm, "jonas"),
    Colleague("aylin", "Aylin Demirci", Role.csm, "jonas"),
    Colleague("felix", "Felix Brandauer", Role.csm, "jonas"),
    Colleague("sofia", "Sofia Castellanos", Role.account_manager, "jonas"),
    Colleague("henrik", "Henrik Aaltonen", Role.account_manager, "jonas"),
    Colleague("daniel", "Daniel Okafor", Role.support, "jonas"),
    Colleague("lena", "Lena Hofstetter", Role.product, "ingrid"),
    Colleague("priya", "Priya Raghunathan", Role.finance, "ingrid"),
    Colleague("nadia", "Nadia Petrova", Role.ops, "jonas"),
    Colleague("matteo", "Matteo Bellini", Role.auditor, "ingrid"),
    Colleague("greta", "Greta Sommer", Role.admin, "ingrid"),
)
BY_KEY = {colleague.key: colleague for colleague in COLLEAGUES}
BY_ID = {str(colleague.id): colleague for colleague in COLLEAGUES}

ABSENT, DELEGATE = BY_KEY["aylin"], BY_KEY["tomasz"]
AWAY_SINCE = timedelta(days=3)
AWAY_UNTIL = timedelta(days=11)
"""Aylin is away from three days before the load until eleven days after it."""

TOKENS_FOR = ("mara", "sofia", "jonas", "nadia", "matteo", "greta")
"""Who gets an API token: a CSM, an account manager, the director, operations, the auditor and
the administrator."""
