from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from activities.failures import in_temporals_words
from domain.errors import Unavailable

pytestmark = pytest.mark.anyio


async def test_our_errors_become_their_code() -> None:
    with pytest.raises(ApplicationError) as raised:
        async with in_temporals_words():
            raise Unavailable("Globex cannot be reached.", code="database_unavailable")
    assert (raised.value.type, raised.value.message) == ("database_unavailable",) * 2
    assert not raised.value.non_retryable


async def test_words_of_an_unforeseen_error_reach_neither_temporal_nor_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = "ann@customer.test"
    with pytest.raises(ApplicationError) as raised:
        async with in_temporals_words():
            raise ValueError(words)
    assert raised.value.__cause__ is None
    assert (raised.value.type, raised.value.message) == ("unexpected", "ValueError")
    assert "ValueError" in caplog.text and "customer" not in caplog.text
