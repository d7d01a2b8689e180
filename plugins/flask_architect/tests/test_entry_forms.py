"""Entry forms over HTTP: passed on with the parameters of their page, small ones only."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from famulus_flask.app import create_app
from famulus_flask.limits import Limits

LIMIT = 64 * 1024
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def client(stub_gateway: Any) -> FlaskClient:
    # A form without a ticket of a task page.
    stub_gateway.ticket = "of a task page"
    return create_app(stub_gateway).test_client()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_form_is_passed_on_with_the_parameters_of_its_page(
    client: FlaskClient, stub_gateway: Any, kind: str
) -> None:
    data = {"email": "zoë@example.org", "name": ["a", "b"]}

    reply = client.post("/enter?open=a%26b&open=c", data=data, content_type=kind)

    fields = (("email", "zoë@example.org"), ("name", "a"), ("name", "b"))
    assert stub_gateway.entered == [({"open": "a&b"}, fields)]
    assert (reply.status_code, reply.headers["Location"]) == (303, "./?from=the+gateway")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert "Set-Cookie" not in reply.headers


def test_address_of_a_form_that_is_opened_leads_to_its_page(client: FlaskClient) -> None:
    reply = client.get("/enter?open=a%26b")

    assert (reply.status_code, reply.headers["Location"]) == (303, "./?open=a%26b")


@pytest.mark.parametrize(
    "data",
    [
        {"a": "x" * LIMIT},
        {"f": (io.BytesIO(b"x"), "a.txt")},
        {str(number): "" for number in range(101)},
    ],
)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_larger_form_is_refused(
    client: FlaskClient, stub_gateway: Any, data: dict[str, Any], kind: str
) -> None:
    if kind.endswith("urlencoded") and "f" in data:
        data = {"a": "\0" * LIMIT}

    reply = client.post("/enter", data=data, content_type=kind)

    assert reply.status_code == 413
    assert (stub_gateway.entered, list(stub_gateway.upload_folder.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: %d\r\n" % (LIMIT + 1), b""),
        (
            b"Transfer-Encoding: chunked\r\n",
            b"%x\r\na=%s\r\n0\r\n\r\n" % (LIMIT + 2, b"x" * LIMIT),
        ),
    ],
)
def test_server_does_not_receive_a_larger_form(
    serve: Any, stub_gateway: Any, head: bytes, body: bytes
) -> None:
    served = serve(create_app(stub_gateway))

    received = served.talk(b"POST /enter HTTP/1.1\r\nHost: x\r\n" + _FORM + head + b"\r\n" + body)

    assert received.startswith(b"HTTP/1.1 413 ")
    assert stub_gateway.entered == []


def test_server_passes_a_form_on(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))
    head = b"POST /enter?open=yes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + _FORM

    received = served.talk(head + b"Content-Length: 3\r\n\r\na=b")

    assert received.startswith(b"HTTP/1.1 303 ")
    assert stub_gateway.entered == [({"open": "yes"}, (("a", "b"),))]


def test_strangers_forms_leave_threads_of_another_server_for_workers(stub_gateway: Any) -> None:
    client = create_app(stub_gateway, limits=Limits(threads=8)).test_client()
    strangers: list[int] = []
    workers: list[int] = []

    class Received(io.BytesIO):
        """The body of a stranger, while which others are received."""

        def read(self, size: int | None = -1) -> bytes:
            if len(strangers) < 3:
                send()
            else:
                workers.append(client.post("/submit", data={"a": "1"}).status_code)
            return super().read(size)

    def send() -> None:
        strangers.append(0)
        place = len(strangers) - 1
        reply = client.post(
            "/enter",
            input_stream=Received(b"a=1"),
            content_type="application/x-www-form-urlencoded",
            environ_overrides={"wsgi.input_terminated": True},
        )
        strangers[place] = reply.status_code

    send()

    assert 503 in strangers
    assert strangers[0] == 303
    assert workers
    assert set(workers) == {200}
    assert client.post("/enter", data={"a": "1"}).status_code == 303
