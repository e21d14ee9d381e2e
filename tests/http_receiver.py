"""A real HTTP server on loopback that keeps what it was sent and answers what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Request:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers`: status and headers for the next requests; then 204. Status 0: bytes that are
    not HTTP at all; status -1: no answer until the caller gives up. While `gate` is clear, answers
    wait for it."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?from=holdfast"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port, gone at the end."""
    kept = Receiver()
    kept.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept.requests.append(Request({k.lower(): v for k, v in self.headers.items()}, body))
            kept.gate.wait(30)
            status, headers = kept.answers.pop(0) if kept.answers else (204, {})
            if status == -1:
                kept.done.wait(30)
                return
            if status == 0:
                self.wfile.write(b"\x00\xffthis is no HTTP\r\n\r\n")
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Tests say what they need themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        kept.done.set()
        kept.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
