"""Mail by SMTP. A delivery always carries the same Message-ID, so that a double is seen as one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr

import aiosmtplib

from activities.channels.results import NotSent, Result, Sent
from activities.channels.wording import Words, one_line
from runtime.settings import MailSettings


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `key` names the delivery and decides the Message-ID."""

    key: str
    to_name: str
    to_address: str
    words: Words
    at: datetime


class MailChannel:
    """Sends mail by the configured SMTP server, one connection a mail."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._sender_name, self._sender = parseaddr(settings.sender)
        self._domain = self._sender.rpartition("@")[2] or "localhost"

    async def send(self, mail: Mail, patience: float) -> Result:
        """Try once, at most `patience` seconds for each exchange with the server."""
        settings = self._settings
        if settings.host is None:
            return NotSent("mail_not_configured", final=True)
        try:
            message = self.message(mail)
        except (ValueError, UnicodeError):
            return NotSent("mail_address_invalid", final=True)
        try:
            await aiosmtplib.send(
                message,
                sender=self._sender,
                recipients=[mail.to_address],
                hostname=settings.host,
                port=settings.port,
                username=settings.user,
                password=settings.password.get_secret_value() if settings.password else None,
                use_tls=settings.tls == "implicit",
                start_tls=settings.tls == "starttls",
                timeout=patience,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _answered(min(refused.code for refused in error.recipients))
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code)
        except (aiosmtplib.SMTPTimeoutError, TimeoutError):
            return NotSent("mail_no_answer")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return NotSent("mail_unreachable", details={"error": type(error).__name__})
        return Sent({"message_id": str(message["Message-ID"])})

    def message(self, mail: Mail) -> EmailMessage:
        """The mail as it is sent: text and HTML. Raises ValueError where an address is none."""
        name, address = parseaddr(mail.to_address)
        if name or "@" not in address or address != mail.to_address:
            raise ValueError("not a mail address")
        message = EmailMessage(policy=SMTP)
        message["From"] = formataddr((self._sender_name, self._sender))
        message["To"] = formataddr((one_line(mail.to_name), mail.to_address))
        message["Subject"] = mail.words.subject
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = self.message_id(mail.key)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(mail.words.text)
        message.add_alternative(mail.words.html, subtype="html")
        return message

    def message_id(self, key: str) -> str:
        """Stable over every try and redelivery of one delivery."""
        return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{self._domain}>"


def _answered(code: int) -> NotSent:
    """5xx is the receiver's last word, but for what a later setting can mend (RFC 5321, 4.2)."""
    passing = code < 500 or code in {530, 535, 538}
    return NotSent("mail_refused", final=not passing, details={"smtp": code})
