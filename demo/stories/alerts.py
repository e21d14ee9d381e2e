"""Critical alerts of all four kinds, open and ended."""

from __future__ import annotations

from demo.standing import scored
from demo.stories.beginnings import AT_RISK, ago, before, in_office
from demo.story import Act, Part, Story
from domain.playbook.events import (
    Acknowledged,
)

ALERT_STORIES: tuple[Story, ...] = (
    Story(  # score: breached, the director was told and has acknowledged it
        "granvik",
        (
            Part(
                "critical-alert",
                ago(hours=3, minutes=30),
                "The score fell below 50 over night.",
                parameters={"alert": "score"},
                leave=frozenset({"acknowledge", "brief-director"}),
                acts=(Act(before(minutes=10), "jonas", lambda _, __: Acknowledged("acknowledge")),),
            ),
        ),
        before=scored(65, 0),
        news=((before(hours=3, minutes=40), scored(44, -21)),),
    ),
    Story(
        "halden",
        (
            Part(
                "critical-alert",
                ago(minutes=40),
                "Nobody has used it for fifteen days.",
                parameters={"alert": "inactive"},
                leave=frozenset({"acknowledge"}),
            ),
        ),
    ),
    Story(  # payment and ticket side by side
        "isolde",
        (
            Part(
                "critical-alert",
                ago(hours=5),
                "The yearly invoice was rejected by their bank.",
                parameters={"alert": "payment"},
                leave=frozenset({"check-payment", "contact-customer", "begin-intervention"}),
            ),
            Part(
                "critical-alert",
                ago(hours=1, minutes=10),
                "Ticket marked critical: the plan of next week cannot be opened.",
                parameters={"alert": "ticket"},
                leave=frozenset({"review-ticket", "assess"}),
            ),
        ),
        news=(
            (before(hours=6), {"billing.issue_open": True, "billing.overdue_days": 3}),
            (before(hours=1, minutes=15), {"ticket.urgent_open": 1}),
        ),
    ),
    Story(
        "juniper",
        (
            Part(
                "critical-alert",
                ago(hours=26),
                "Ticket marked urgent: double shifts in two hotels.",
                parameters={"alert": "ticket"},
                leave=frozenset({"contact-customer", "begin-intervention"}),
            ),
        ),
        news=((before(hours=27), {"ticket.urgent_open": 1}),),
    ),
    Story(  # ended well
        "varnholt",
        (
            Part(
                "critical-alert",
                ago(days=12),
                "Ticket marked critical: no export to payroll before the pay day.",
                parameters={"alert": "ticket"},
            ),
        ),
        before={"ticket.urgent_open": 1},
        news=((before(days=9, hours=20), {"ticket.urgent_open": 0, **scored(79, 7)}),),
    ),
    Story(  # not needed
        "zirbenthal",
        (
            Part(
                "critical-alert",
                in_office(6),
                "No use for fourteen days.",
                parameters={"alert": "inactive"},
                choices={"assess": "not-needed"},
            ),
        ),
        before={"usage.inactive_days": 14},
        news=((before(days=5), {"usage.inactive_days": 3}),),
    ),
    Story(  # went to the director, who closed it as not resolved
        "elmstead",
        (
            Part(
                "critical-alert",
                ago(days=9),
                "The score fell below 50 after the third late report.",
                parameters={"alert": "score"},
                choices={
                    "confirm-resolution": "unresolved",
                    "monitor-recovery": "not-recovering",
                    "escalate-unresolved": "close",
                },
            ),
            Part(
                AT_RISK,
                in_office(3),
                "Not resolved by the alert; needs the long way.",
                by="jonas",
                leave=frozenset({"analyse-usage", "review-tickets", "assess-renewal"}),
            ),
        ),
    ),
)
