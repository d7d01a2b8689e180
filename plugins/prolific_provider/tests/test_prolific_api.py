"""Calls to Prolific, and what their errors mean."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from famulus import FamulusError, UnavailableError, UsageError
from famulus.engine.outbox.platform_call import OutboxCall
from famulus.testing import MovableClock
from famulus_prolific.account_lock import LEASE
from famulus_prolific.api import (
    CALL_SECONDS,
    CallLostError,
    ProlificApi,
    ProlificRefusedError,
    TokenError,
)
from famulus_prolific.fake import FakeProlific

Handler = Callable[[httpx.Request], httpx.Response]


def api(handler: Handler, clock: MovableClock | None = None) -> ProlificApi:
    return ProlificApi(
        "a-token", transport=httpx.MockTransport(handler), clock=clock or MovableClock()
    )


def envelope(status: int, title: str, detail: object, **headers: str) -> httpx.Response:
    error = {"status": status, "error_code": 1, "title": title, "detail": detail}
    return httpx.Response(status, json={"error": error}, headers=headers)


def always(response: httpx.Response) -> Handler:
    return lambda _: response


def raising(error: Exception) -> Handler:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle


def test_a_call_carries_the_token_and_leaves_out_what_is_not_given() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": "1"})

    assert api(handle).get("studies/1/", page=2, state=None) == {"id": "1"}
    (request,) = seen
    assert str(request.url) == "https://api.prolific.com/api/v1/studies/1/?page=2"
    assert request.headers["Authorization"] == "Token a-token"


@pytest.mark.parametrize(
    ("handler", "maybe_done"),
    [
        (raising(httpx.ConnectError("refused")), False),
        (raising(httpx.ConnectTimeout("late")), False),
        (raising(httpx.ReadTimeout("late")), True),
        (raising(httpx.RemoteProtocolError("closed")), True),
        (lambda _: envelope(502, "Bad gateway", ""), True),
        (lambda _: httpx.Response(200, content=b'{"id": "1'), True),
        (lambda _: envelope(429, "Throttled", ""), False),
    ],
    ids=["refused", "no connection", "no reply", "cut off", "5xx", "truncated", "throttled"],
)
def test_a_lost_call_says_whether_it_may_be_done(handler: Handler, maybe_done: bool) -> None:
    with pytest.raises(CallLostError) as caught:
        api(handler).post("studies/", {})

    assert caught.value.maybe_done is maybe_done


@contextmanager
def dripping(beginning: bytes) -> Iterator[str]:
    """Serve at an address which answers with a byte at a time, after its beginning, for ever."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(beginning)
            while not over.wait(0.02):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["headers", "body"],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.post("studies/", {}),
        lambda api: api.create("studies/", {}),
        lambda api: api.follow("/api/v1/studies/"),
    ],
    ids=["call", "create", "follow"],
)
def test_a_call_has_a_deadline_however_often_a_byte_comes(
    beginning: bytes, call: Callable[[ProlificApi], object]
) -> None:
    with dripping(beginning) as address:
        slow = ProlificApi("a-token", base_url=address, seconds=0.1)
        host = address.partition("//")[2]
        with pytest.raises(CallLostError, match=f"gave no answer at {host}: ") as caught:
            call(slow)

    assert caught.value.maybe_done


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({"http_proxy": "http://SERVER"}, "prolific.example"),
        ({"http_proxy": "SERVER"}, "prolific.example"),
        ({"all_proxy": "http://user:password@SERVER"}, "prolific.example"),
        ({"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}, "SERVER"),
        ({"https_proxy": "http://127.0.0.1:1"}, "SERVER"),
    ],
    ids=["http_proxy", "no scheme", "all_proxy", "no_proxy", "https_proxy"],
)
def test_a_call_by_the_proxy_of_the_environment_has_a_deadline(
    variables: dict[str, str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") as address:
        server = address.removeprefix("http://")
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("SERVER", server))
        slow = ProlificApi("a", base_url=f"http://{host.replace('SERVER', server)}", seconds=0.1)
        with pytest.raises(CallLostError, match="gave no answer"):
            slow.post("studies/", {})


def test_a_proxy_whose_address_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "ftp://proxy.example:21")

    with pytest.raises(UsageError, match=r"ftp://proxy.example"):
        ProlificApi("a-token").get("users/me/")


def test_the_deadline_is_within_the_claims_on_what_is_called_for() -> None:
    assert min(OutboxCall.lease.total_seconds(), LEASE) > 2 * CALL_SECONDS


def test_retry_after_is_seconds_or_a_time(clock: MovableClock) -> None:
    later = format_datetime(clock() + timedelta(seconds=90), usegmt=True)
    found = []
    for given in ("30", later, "soon"):
        throttled = envelope(429, "", "", **{"Retry-After": given})
        with pytest.raises(UnavailableError) as caught:
            api(always(throttled), clock).get("studies/")
        found.append(caught.value.retry_after)

    assert found == [30, pytest.approx(90, abs=1), None]


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        ("Not possible.", "Prolific has refused: Bad request: Not possible"),
        ({"name": ["Too long."]}, "Prolific has refused: Bad request: name: Too long"),
        (["One.", "Two."], "Prolific has refused: Bad request: One.; Two"),
    ],
)
def test_a_refusal_is_in_the_words_of_prolific(detail: object, message: str) -> None:
    with pytest.raises(ProlificRefusedError) as caught:
        api(lambda _: envelope(400, "Bad request", detail)).post("studies/", {})

    assert str(caught.value) == message
    assert caught.value.status == 400


def test_a_redirect_is_refused_and_not_followed() -> None:
    with pytest.raises(ProlificRefusedError) as caught:
        api(lambda _: httpx.Response(301, headers={"Location": "/studies/"})).post("studies")

    assert caught.value.status == 301


def test_a_refused_token_is_to_be_replaced_and_not_shown() -> None:
    with pytest.raises(TokenError) as caught:
        api(lambda _: envelope(401, "Authentication failed", "Invalid token.")).get("users/me/")

    assert "register the requester again" in str(caught.value)
    assert "a-token" not in str(caught.value) + repr(api(raising(ValueError())))


def test_pages_follow_the_links_of_prolific_to_no_other_host() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        page = int(request.url.params.get("page", "1"))
        if page == 3:
            return envelope(404, "Not found", "Invalid page.")
        following = f"https://elsewhere.example/api/v1/submissions/?page={page + 1}"
        return httpx.Response(
            200, json={"results": [page], "_links": {"next": {"href": following}}}
        )

    assert list(api(handle).pages("submissions/", study="s")) == [1, 2]
    assert {httpx.URL(each).host for each in seen} == {"api.prolific.com"}


def test_a_missing_list_is_refused() -> None:
    with pytest.raises(ProlificRefusedError):
        list(api(lambda _: envelope(404, "Not found", "")).pages("submissions/"))


def test_certificates_are_read_only_where_calls_are_encrypted(
    prolific: FakeProlific, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))

    assert ProlificApi(prolific.token, base_url=prolific.api_url).get("users/me/")["id"]
    with pytest.raises(UsageError, match="certificates that Prolific is verified by"):
        ProlificApi(prolific.token).get("users/me/")


@pytest.mark.parametrize(
    "handler",
    [
        raising(httpx.RemoteProtocolError("It was closed.")),
        lambda _: envelope(500, "Failed", "It was closed."),
        lambda _: envelope(400, "Failed", ["First.", "It was closed."]),
        lambda _: httpx.Response(502, text="It was closed.\n"),
    ],
    ids=["cut off", "5xx", "refused", "plain"],
)
def test_an_error_can_be_quoted_within_a_sentence(handler: Handler) -> None:
    with pytest.raises(FamulusError) as caught:
        api(handler).post("studies/", {})

    assert str(caught.value).endswith("It was closed")
