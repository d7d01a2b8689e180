"""Requests of platforms go to the gateway as they were sent, and the replies back."""

from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from famulus_flask.app import create_app
from famulus_flask.limits import Limits

#: No text in any encoding, with what a parser of forms would change.
_BODY = b"a=1&b=\xff\x00%41\r\n" * 5


@pytest.fixture
def gateway(tmp_path: Path) -> Any:
    stub = runpy.run_path(str(Path(__file__).with_name("flask_stub_gateway.py")))
    return stub["StubGateway"](tmp_path)


@pytest.fixture
def client(gateway: Any) -> FlaskClient:
    return create_app(gateway).test_client()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", ""])
def test_body_headers_and_query_reach_the_gateway_unchanged(
    client: FlaskClient, gateway: Any, kind: str
) -> None:
    reply = client.post(
        "/platform/crowd?challenge=c%C3%A9&a=1&a=2",
        data=_BODY,
        content_type=kind,
        headers={"X-Signature": "abc=", "Authorization": "Basic x"},
    )

    (request,) = gateway.requests
    assert (request.body, request.query) == (_BODY, {"challenge": "cé", "a": "1"})
    assert request.headers["x-signature"] == "abc="
    assert request.headers["authorization"] == "Basic x"
    assert request.headers.get("content-type", "") == kind
    assert (reply.status_code, reply.text, reply.content_type) == (202, "taken", "text/plain")


def test_reply_to_a_platform_has_no_headers_for_browsers(client: FlaskClient) -> None:
    headers = client.post("/platform/crowd").headers

    assert headers["X-Challenge"] == "c"
    for name in ("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"):
        assert name not in headers


def test_unknown_platform_is_answered_by_the_gateway(client: FlaskClient) -> None:
    reply = client.post("/platform/other")

    assert (reply.status_code, reply.text) == (404, "no such platform")


@pytest.mark.parametrize(("size", "status"), [(100, 202), (101, 413)])
def test_body_beyond_the_limit_of_the_gateway_is_413(
    client: FlaskClient, gateway: Any, size: int, status: int
) -> None:
    announced = client.post("/platform/crowd", data=bytes(size))
    in_chunks = client.post(
        "/platform/crowd",
        input_stream=io.BytesIO(bytes(size)),
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (announced.status_code, in_chunks.status_code) == (status, status)
    assert [len(each.body) for each in gateway.requests] == [size] * 2 * (status == 202)


def test_body_that_is_cut_off_is_400(client: FlaskClient, gateway: Any) -> None:
    reply = client.post(
        "/platform/crowd",
        data=b"123",
        environ_overrides={"CONTENT_LENGTH": "9", "wsgi.input_terminated": True},
    )

    assert (reply.status_code, gateway.requests) == (400, [])


def test_bodies_of_platforms_leave_threads_for_pages(gateway: Any) -> None:
    client = create_app(gateway, limits=Limits(threads=2)).test_client()
    inner: list[int] = []

    class Slow(io.BytesIO):
        """Another request arrives while the body of the first one is received."""

        def read(self, size: int | None = -1, /) -> bytes:
            if not inner:
                inner.append(client.post("/platform/crowd", data=b"1").status_code)
            return super().read(size)

    outer = client.post(
        "/platform/crowd",
        input_stream=Slow(b"1"),
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (outer.status_code, inner) == (202, [503])


def test_nothing_is_shown_at_the_address(client: FlaskClient, gateway: Any) -> None:
    assert client.get("/platform/crowd").status_code == 404
    assert gateway.requests == []
