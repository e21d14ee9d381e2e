"""Detractors who were answered, and an account that changes hands."""

from __future__ import annotations

from demo.company import BY_KEY
from demo.stories.beginnings import ago, in_office
from demo.story import Part, Story
from domain.playbook.definition import Role

RESPONSE_STORIES: tuple[Story, ...] = (
    Story(  # a detractor, reached in time
        "rosendal",
        (
            Part(
                "detractor-response",
                ago(hours=30),
                "Answered 4: the reports are slow and support takes days.",
                contact=1,
                leave=frozenset({"root-cause"}),
            ),
        ),
    ),
    Story(  # a detractor at a high-value account: the executive is asked
        "silbersee",
        (
            Part(
                "detractor-response",
                ago(hours=50),
                "Answered 3: feels heard only when the renewal is near.",
                contact=2,
                leave=frozenset({"engage-executive", "close-loop", "action-plan"}),
            ),
        ),
    ),
    Story(  # asked again, no answer yet
        "tavira",
        (
            Part(
                "detractor-response", in_office(33), "Answered 5 after the long outage.", contact=1
            ),
        ),
    ),
    Story(  # asked again, never answered
        "corvane",
        (
            Part(
                "detractor-response",
                in_office(60),
                "Answered 6: too many clicks to swap a shift.",
                contact=1,
            ),
        ),
    ),
    Story(  # an account changes hands
        "delmora",
        (
            Part(
                "hand-over",
                ago(hours=3),
                "Felix takes over the events customers and gives this one away.",
                by="jonas",
                parameters={
                    "role": Role.csm.value,
                    "giver": str(BY_KEY["felix"].id),
                    "receiver": str(BY_KEY["mara"].id),
                },
                leave=frozenset({"offer:accept"}),
            ),
        ),
    ),
)
