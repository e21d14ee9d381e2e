"""API tokens: `hf_` + 256 random bits + a checksum; only the SHA-256 of the whole is ever kept.

The fixed beginning lets secret scanners find a leaked one, the checksum lets us tell a mistyped
one from an unknown one without asking the database.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from dataclasses import dataclass, field

BEGINNING = "hf_"
_SECRET_CHARACTERS = 43  # 32 bytes in URL-safe base64
_SHOWN_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Token:
    """A fresh token: `text` is shown once, `prefix` names it in lists, `sha256` is stored."""

    text: str = field(repr=False)
    prefix: str
    sha256: bytes = field(repr=False)


def new_token() -> Token:
    """A token that nobody can guess."""
    body = BEGINNING + secrets.token_urlsafe(32)
    text = body + _checksum(body)
    return Token(text, text[:_SHOWN_CHARACTERS], token_digest(text))


def token_digest(text: str) -> bytes:
    """What a token is found by. Its 256 random bits make a slow hash pointless."""
    return hashlib.sha256(text.encode()).digest()


def looks_whole(text: str) -> bool:
    """Whether it has a token's form and its checksum fits."""
    length = len(BEGINNING) + _SECRET_CHARACTERS
    return text.startswith(BEGINNING) and text[length:] == _checksum(text[:length])


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
