"""Bodies that are too large are refused by the framework as plain text; here as a problem."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ADVICE, problem


class LimitProblems:
    """Puts our problem in the place of every 413 that is not one already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replaced = False

        async def watched(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                replaced = message["status"] == 413 and kind.startswith(b"text/plain")
                if replaced:
                    code = "body_too_large"
                    answer = problem(413, code, ADVICE[code], {}, scope["path"])
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        await self.app(scope, receive, watched)
