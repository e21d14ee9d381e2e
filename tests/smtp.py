"""A real SMTP server on loopback that keeps what it was given, and misbehaves where told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from runtime.embedded.ports import free_ports
from runtime.settings import MailSettings


class Mailbox:
    """What has arrived. `lose_answers`: take so many mails and cut the line instead of answering.

    `answers`: what to answer to the next mails instead of taking them.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[EmailMessage] = []
        self.lose_answers = 0
        self.answers: list[str] = []

    @property
    def settings(self) -> MailSettings:
        """How to reach it."""
        return MailSettings(host="127.0.0.1", port=self.port, sender="Holdfast <h@example.test>")

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by the server for each mail."""
        if self.answers:
            return self.answers.pop(0)
        content = cast(bytes, envelope.content)
        found: Any = message_from_bytes(content, policy=policy.default)
        self.mails.append(found)
        if self.lose_answers:
            self.lose_answers -= 1
            cast(Any, server.transport).abort()
        return "250 taken"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A mailbox on a free port, gone at the end."""
    (port,) = free_ports(1)
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
