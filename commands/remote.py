"""How commands reach a running installation: its HTTP API, with a token from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx

from domain.errors import HoldfastError, Invalid, Unavailable

_PREFIX = "/api/v1"
_PAGE = 200
_TIMEOUT_SECONDS = 60.0


class Remote:
    """The API at `HOLDFAST_URL` as the bearer of `HOLDFAST_TOKEN`; errors keep their codes."""

    def __init__(self) -> None:
        token = os.environ.get("HOLDFAST_TOKEN", "")
        if not token:
            raise Invalid(
                "HOLDFAST_TOKEN is not set. Make a token with `holdfast token issue` and set it.",
                code="token_missing",
            )
        self.address = os.environ.get("HOLDFAST_URL") or "http://127.0.0.1:8000"
        self._client = httpx.Client(
            base_url=self.address + _PREFIX,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def get(self, path: str, **parameters: object) -> Any:
        """The answer's JSON. Raises `HoldfastError` with the API's own code and words."""
        return self._ask("GET", path, params=_given(parameters))

    def post(self, path: str, body: object, *, key: str | None = None) -> Any:
        """The answer's JSON; the same `key` again gives the same answer."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def send(self, path: str, **arguments: Any) -> Any:
        """A POST whose body httpx makes: files, forms, streams."""
        return self._ask("POST", path, **arguments)

    def pages(self, path: str, **parameters: object) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            answer = self.get(path, limit=_PAGE, cursor=cursor, **parameters)
            yield from answer["items"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise Unavailable(
                f"No Holdfast answers at {self.address}. Start it, or set HOLDFAST_URL.",
                code="api_unreachable",
            ) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> HoldfastError:
    try:
        problem = answer.json()
        details = problem.get("details") or {}
        words = [str(problem.get("detail") or problem.get("title"))]
        words += [f"{one['field']}: {one['message']}" for one in details.get("fields", ())]
        return HoldfastError("\n  ".join(words), code=str(problem["code"]), details=details)
    except (ValueError, KeyError, AttributeError):
        return HoldfastError(
            f"The address answered {answer.status_code}, and not as Holdfast does.",
            code="api_unexpected",
        )


def _given(parameters: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if value is not None}
