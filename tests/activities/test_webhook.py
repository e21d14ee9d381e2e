from __future__ import annotations

import json

import pytest
from standardwebhooks import Webhook

from activities.channels.addresses import AddressRefused, resolve
from activities.channels.results import NotSent, Sent
from activities.channels.webhook import Call, WebhookChannel
from tests.http_receiver import Receiver, receiver

pytestmark = pytest.mark.anyio

SECRET = "whsec_" + "c2VjcmV0LWZvci10ZXN0cy1vbmx5"


def call(to: Receiver, secret: str = SECRET) -> Call:
    return Call("execution.3.1", to.url, secret, json.dumps({"type": "account.rescued"}))


async def test_the_receiver_can_verify_the_signature() -> None:
    with receiver() as to:
        result = await WebhookChannel(allow_loopback=True).send(call(to), 5)
    assert result == Sent({"http": 204})
    got = to.requests[0]
    assert Webhook(SECRET).verify(got.body, got.headers) == {"type": "account.rescued"}
    assert got.headers["webhook-id"] == "execution.3.1"
    assert got.headers["host"] == f"127.0.0.1:{to.port}"


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"Retry-After": "120"}, NotSent("webhook_refused", False, 120.0, {"http": 429})),
        (500, {}, NotSent("webhook_refused", False, None, {"http": 500})),
        (404, {}, NotSent("webhook_refused", False, None, {"http": 404})),
        (302, {"Location": "/x"}, NotSent("webhook_refused", False, None, {"http": 302})),
        (410, {}, NotSent("webhook_gone", True, None, {"http": 410})),
        (503, {"Retry-After": "soon"}, NotSent("webhook_refused", False, None, {"http": 503})),
    ],
)
async def test_every_answer_has_its_meaning(
    status: int, headers: dict[str, str], expected: NotSent
) -> None:
    with receiver() as to:
        to.answers.append((status, headers))
        assert await WebhookChannel(allow_loopback=True).send(call(to), 5) == expected
    assert len(to.requests) == 1


async def test_garbage_and_silence_are_tried_again() -> None:
    with receiver() as to:
        to.answers += [(0, {}), (-1, {})]
        channel = WebhookChannel(allow_loopback=True)
        garbage = await channel.send(call(to), 5)
        silence = await channel.send(call(to), 0.5)
    assert isinstance(garbage, NotSent)
    assert (garbage.code, garbage.final) == ("webhook_unreachable", False)
    assert silence == NotSent("webhook_no_answer")


async def test_nobody_listening_is_tried_again() -> None:
    with receiver() as to:
        pass
    result = await WebhookChannel(allow_loopback=True).send(call(to), 5)
    assert isinstance(result, NotSent)
    assert (result.code, result.final) == ("webhook_unreachable", False)


async def test_a_secret_that_cannot_sign_is_final() -> None:
    with receiver() as to:
        result = await WebhookChannel(allow_loopback=True).send(call(to, "whsec_§"), 5)
    assert result == NotSent("webhook_secret_invalid", final=True)
    assert to.requests == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "address_not_global"),
        ("https://[::1]/", "address_not_global"),
        ("https://[::ffff:127.0.0.1]/", "address_not_global"),
        ("https://10.1.2.3/", "address_not_global"),
        ("https://169.254.169.254/latest", "address_not_global"),
        ("https://[fd00::1]/", "address_not_global"),
        ("https://[2002:7f00:1::]/", "address_not_global"),
        ("https://0.0.0.0/", "address_not_global"),
        ("https://2130706433/", "address_not_global"),
        ("https://localhost/", "address_not_global"),
        ("http://93.184.216.34/", "tls_required"),
        ("file:///etc/passwd", "url_invalid"),
        ("https://user@93.184.216.34/", "url_invalid"),
        ("https://93.184.216.34:99999/", "url_invalid"),
        ("https:///", "url_invalid"),
    ],
)
async def test_what_must_not_be_called_is_refused(url: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await resolve(url, allow_loopback=False)
    assert refused.value.code == code


async def test_the_checked_address_is_the_one_that_is_called() -> None:
    target = await resolve("https://93.184.216.34:8443/a/b?c=d", allow_loopback=False)
    assert target.pinned == "https://93.184.216.34:8443/a/b?c=d"
    assert (target.host, target.header) == ("93.184.216.34", "93.184.216.34:8443")


async def test_development_may_call_this_machine_and_nothing_else() -> None:
    assert (await resolve("http://127.0.0.1:80/", allow_loopback=True)).host == "127.0.0.1"
    with pytest.raises(AddressRefused):
        await resolve("http://192.168.0.1/", allow_loopback=True)
