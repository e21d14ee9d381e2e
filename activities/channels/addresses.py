"""Where requests may go: resolved once, global addresses only, connected to what was checked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


class AddressRefused(Exception):
    """This URL must not be called; `code` says why."""

    def __init__(self, code: str, *, final: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL: `pinned` has the address in the host's place; `host` is for SNI."""

    pinned: str
    host: str
    header: str


async def resolve(url: str, *, allow_loopback: bool) -> Target:
    """Resolve once and refuse what is not global. Raises `AddressRefused`.

    `allow_loopback` is for development: 127.0.0.0/8 and ::1 are taken too, also without TLS.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("url_invalid") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise AddressRefused("url_invalid")
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise AddressRefused("host_not_found", final=False) from None
    addresses = [_unwrapped(entry[4][0]) for entry in found]
    for address in addresses:
        local = address.is_loopback and allow_loopback
        if not local and (not address.is_global or address.is_multicast):
            raise AddressRefused("address_not_global")
        if parts.scheme == "http" and not local:
            raise AddressRefused("tls_required")
    first = addresses[0]
    shown = f"[{first}]" if first.version == 6 else str(first)
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Target(
        pinned=f"{parts.scheme}://{shown}:{port}{path}{query}",
        host=parts.hostname,
        header=f"{host}:{parts.port}" if parts.port else host,
    )


def _unwrapped(text: str | int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """IPv4 behind IPv6 forms counts as what it is."""
    address = ipaddress.ip_address(str(text).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address
