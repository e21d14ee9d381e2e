"""A mail server that remembers when each mail came, and keeps its answer back where told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from runtime.embedded.ports import free_ports
from tests.smtp import Mailbox


class PatientMailbox(Mailbox):
    """`keep_answers`: mails are taken, and their answers wait until `let_go`."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.arrivals: list[tuple[float, str]] = []
        self.keep_answers = False
        self.held = threading.Event()

    def keep(self) -> None:
        """From now on take mails and keep the answers; `held` is set at the first."""
        self.held.clear()
        self.keep_answers = True

    def let_go(self) -> None:
        """Answer, also what waits."""
        self.keep_answers = False

    def taken(self) -> Counter[str]:
        """How often each Message-ID has arrived."""
        return Counter(identity for _, identity in list(self.arrivals))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        self.arrivals.append((time.time(), str(self.mails[-1]["Message-ID"])))
        if self.keep_answers:
            self.held.set()
            while self.keep_answers:  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.02)
        return answer


@contextmanager
def patient_mailbox() -> Iterator[PatientMailbox]:
    """A mailbox on a free port, gone at the end."""
    (port,) = free_ports(1)
    box = PatientMailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        box.let_go()
        controller.stop()
