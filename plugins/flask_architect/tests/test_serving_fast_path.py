"""The fast path answers as Flask's views and the general parser do, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import asdict, frozen
from flask import Flask, signals
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famulus_flask.app import create_app
from famulus_flask.limits import Limits

_BOUNDARY = "----cut-here"
_MULTIPART = f"multipart/form-data; boundary={_BOUNDARY}"
_URLENCODED = "application/x-www-form-urlencoded"
_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@frozen
class Answer:
    """A reply, and the calls of the gateway that led to it."""

    status: int
    headers: dict[str, str]
    body: bytes
    forms: list[dict[str, Any]]


@frozen
class Ask:
    """Sends one request to a server with the fast path and to one without it."""

    gateway: Any
    fast: Any
    general: Any

    def both(
        self, method: str, target: str, body: bytes = b"", **headers: str | None
    ) -> tuple[Answer, Answer]:
        """Return the replies of both; ``_`` in the name of a header is written as ``-``."""
        given = {"Host": "x", "Connection": "close", "Content_Length": str(len(body)), **headers}
        lines = [
            f"{name.replace('_', '-')}: {value}\r\n"
            for name, value in given.items()
            if value is not None
        ]
        head = f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")
        with pytest.MonkeyPatch.context() as patch:
            self.gateway.is_quick = True
            fast = self._answer(self.fast, head + body)
            self.gateway.is_quick = False
            patch.setattr("famulus_flask.forms._SMALL_BYTES", -1)
            return fast, self._answer(self.general, head + body)

    def _answer(self, served: Any, request: bytes) -> Answer:
        self.gateway.forms.clear()
        head, _, body = served.talk(request).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert len({name.lower() for name in headers}) == len(lines)
        del headers["Date"]
        forms = [asdict(form) for form in self.gateway.forms]
        for form in forms:
            for file in form["files"]:
                del file["path"]
        return Answer(int(first.split()[1]), headers, body, forms)


@pytest.fixture
def ask(serve: Any, stub_gateway: Any) -> Ask:
    return _asking(serve, stub_gateway)


def _asking(serve: Any, gateway: Any, limits: Limits | None = None) -> Ask:
    servers = [serve(create_app(gateway, limits=limits)) for _ in range(2)]
    return Ask(gateway, *servers)


def _part(name: bytes, value: bytes, rest: bytes = b"", line_end: bytes = b"\r\n") -> bytes:
    head = b'--%s%sContent-Disposition: form-data; name="%s"%s%s%s'
    boundary = _BOUNDARY.encode()
    return head % (boundary, line_end, name, rest, line_end, line_end) + value + line_end


_END = f"--{_BOUNDARY}--\r\n".encode()
_TEXTS = st.text(st.sampled_from("ab\"'\\%2;=:*-\r\n \tü\u2028\U0001f600\0"), max_size=6)
_BYTES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [b"\r", b"\n", b"--", b"--" + _BOUNDARY.encode(), b"\r\n--" + _BOUNDARY.encode()]
    ),
    st.sampled_from([b"\n--" + _BOUNDARY.encode() + b"\n", b"\r\n--" + _BOUNDARY.encode() + b"x"]),
)
_VALUES = st.lists(st.one_of(_TEXTS.map(str.encode), _BYTES), max_size=3).map(b"".join)


def _as_browsers_do(name: str) -> bytes:
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.encode()


_NAMES = st.one_of(
    st.sampled_from([b"a", b"b", b"kept", "frü".encode(), b"a%22b", b"a%b", rb"a\\b", rb"a\"b"]),
    _TEXTS.map(_as_browsers_do),
    _TEXTS.map(str.encode),
    _BYTES,
)
_RESTS = st.sampled_from(
    [b""] * 6
    + [
        b'; filename=""\r\nContent-Type: application/octet-stream',
        b'; filename="a \xc3\xbc.txt"\r\nContent-Type: text/plain',
        b"; name*=utf-8''other",
        b"\r\nContent-Type: text/plain; charset=latin-1",
        b" ",
    ]
)
_LINE_ENDS = st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r"])
_FORMS = st.lists(st.builds(_part, _NAMES, _VALUES, _RESTS, _LINE_ENDS), max_size=5).map(b"".join)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    body = draw(_FORMS) + draw(st.sampled_from([_END, _END[:-2], _END + b"x", b""]))
    place = draw(st.integers(0, len(body)))
    return body[:place] + draw(_VALUES) + body[draw(st.integers(place, len(body))) :]


_EXAMPLES = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)


@_EXAMPLES
@given(form=_FORMS)
def test_any_form_is_read_as_the_general_parser_reads_it(ask: Ask, form: bytes) -> None:
    fast, flask = ask.both("POST", "/submit", form + _END, Content_Type=_MULTIPART)

    assert fast == flask


@_EXAMPLES
@given(body=_damaged())
def test_any_damage_is_judged_as_the_general_parser_judges_it(ask: Ask, body: bytes) -> None:
    fast, flask = ask.both("POST", "/submit", body, Content_Type=_MULTIPART)

    assert fast == flask


@_EXAMPLES
@given(query=st.text(st.sampled_from("ab12=&;+%fc3/?é\xff\xc3\xbc"), max_size=12))
def test_any_query_is_read_as_flask_reads_it(ask: Ask, query: str) -> None:
    fast, flask = ask.both("GET", f"/?{query}")

    assert fast == flask


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json", _BROWSER, "text/html"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"status": "422"}, {"status": "204"}, {"header": "yes"}, {"header": "two\nlines"}],
)
def test_reply_is_sent_as_flask_sends_it(
    ask: Ask, accept: str | None, fields: dict[str, str]
) -> None:
    parts = [_part(name.encode(), value.encode()) for name, value in {"a": "1", **fields}.items()]
    body = b"".join(parts) + _END

    fast, flask = ask.both("POST", "/submit", body, Content_Type=_MULTIPART, Accept=accept)

    assert fast == flask
    assert fast.headers["X-Content-Type-Options"] == "nosniff"
    assert len(fast.forms) == 1
    assert ask.gateway.batches == [1]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("HEAD", "/"),
        ("OPTIONS", "/"),
        ("POST", "/"),
        ("GET", "//"),
        ("GET", "/submit"),
        ("PUT", "/submit"),
        ("POST", "/submit/"),
        ("POST", "/give-back"),
        ("GET", "/nothing"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", _BROWSER])
def test_address_that_is_not_of_the_fast_path_is_flasks(
    ask: Ask, method: str, target: str, accept: str
) -> None:
    fast, flask = ask.both(method, target, b"a=1", Content_Type=_URLENCODED, Accept=accept)

    assert fast == flask
    assert ask.gateway.batches == []


@pytest.mark.parametrize("target", ["/", "/?a=1&a=2&b=", "http://other/?a=1", "/?"])
def test_arrival_takes_the_fast_path(ask: Ask, target: str) -> None:
    fast, flask = ask.both("GET", target, Content_Length=None)

    assert fast == flask
    assert fast.status == 200
    assert ask.gateway.batches == [1]


_CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "unusual",
    [
        {"Content_Type": None},
        {"Content_Type": "text/plain"},
        {"Content_Type": "multipart/form-data"},
        {"Content_Type": 'Multipart/Form-Data; charset=utf-8; boundary="----cut-here"'},
        {"Content_Type": "multipart/form-data; boundary=other"},
        {"Content_Type": _URLENCODED},
        {"Upgrade": "websocket", "Connection": "Upgrade, close"},
        {"Host": "two words"},
        {"Accept": "text/html\r\nAccept: application/json"},
        {"Accept_Language": "de\r\nAccept-Language: fr"},
        {"Content_Type": f"{_MULTIPART}\r\nContent-Type: text/plain"},
        {"Expect": "100-continue", "Content_Length": "0"},
    ],
)
def test_unusual_submission_is_answered_as_flask_answers_it(
    ask: Ask, unusual: dict[str, str | None]
) -> None:
    headers = {"Content_Type": _MULTIPART, **unusual}
    body = b"" if "Content_Length" in unusual else _part(b"a", b"1") + _END

    fast, flask = ask.both("POST", "/submit", body, **headers)

    assert fast == flask


def test_submission_in_chunks_takes_the_fast_path(ask: Ask) -> None:
    form = _part(b"a", b"1") + _END
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (form[:9], form[9:]))
    headers = {"Transfer_Encoding": "chunked", "Content_Length": None}

    fast, flask = ask.both(
        "POST", "/submit", body + b"0\r\n\r\n", Content_Type=_MULTIPART, **headers
    )

    assert fast == flask
    assert list(fast.forms[0]["fields"]) == [("a", "1")]
    assert ask.gateway.batches == [1]


@pytest.mark.parametrize("field", ["unavailable", "mistake"])
@pytest.mark.parametrize("accept", ["application/json", _BROWSER])
def test_error_is_answered_as_by_flask(ask: Ask, field: str, accept: str) -> None:
    body = _part(field.encode(), b"1") + _END

    fast, flask = ask.both("POST", "/submit", body, Content_Type=_MULTIPART, Accept=accept)

    assert fast == flask
    assert fast.status == (503 if field == "unavailable" else 500)
    assert ask.gateway.batches == [1]


@pytest.mark.parametrize(
    "limits", [{"max_text_bytes": 9}, {"max_fields": 3}, {"max_form_bytes": 250}]
)
def test_limits_are_those_of_the_general_parser(
    serve: Any, stub_gateway: Any, limits: dict[str, int]
) -> None:
    ask = _asking(serve, stub_gateway, Limits(**limits))
    outcomes = set()

    for count in range(1, 6):
        body = _part(b"ab", b"1") * count + _END
        fast, flask = ask.both("POST", "/submit", body, Content_Type=_MULTIPART)
        assert fast == flask
        outcomes.add(fast.status)

    assert outcomes == {200, 413}


def _ask_for_a_password(app: Flask) -> None:
    app.before_request(lambda: ("a password, please", 401))


def _put_a_view_around_the_page(app: Flask) -> None:
    app.view_functions["arrive"] = lambda: ("not you", 401)


def _trust_one_host(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["tasks.example.org"]


def _put_middleware_around_it(app: Flask) -> None:
    def middleware(environ: Any, start_response: Any) -> list[bytes]:
        start_response("401 Unauthorized", [])
        return [b"not you"]

    app.wsgi_app = middleware  # type: ignore[method-assign]


_ARRIVAL = b"GET /?worker_id=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (_ask_for_a_password, 401),
        (_put_a_view_around_the_page, 401),
        (_trust_one_host, 400),
        (_put_middleware_around_it, 401),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_fast_path_bypasses_nothing_that_was_added_to_the_application(
    serve: Any, stub_gateway: Any, change: Callable[[Flask], None], status: int, is_late: bool
) -> None:
    stub_gateway.is_quick = True
    app = create_app(stub_gateway)
    if not is_late:
        change(app)
    served = serve(app)
    change(app)

    assert served.talk(_ARRIVAL).startswith(b"HTTP/1.1 %d " % status)


def test_function_after_each_request_sees_the_pages_too(serve: Any, stub_gateway: Any) -> None:
    stub_gateway.is_quick = True
    app = create_app(stub_gateway)

    @app.after_request
    def sign(response: Any) -> Any:
        response.headers["X-Signed"] = "yes"
        return response

    assert b"\r\nX-Signed: yes\r\n" in serve(app).talk(_ARRIVAL)


@pytest.mark.parametrize("name", ["request_started", "request_finished", "appcontext_pushed"])
def test_receiver_of_a_signal_gets_each_request(serve: Any, stub_gateway: Any, name: str) -> None:
    stub_gateway.is_quick = True
    app = create_app(stub_gateway)
    served = serve(app)
    received = []

    def receive(sender: Flask, **_: Any) -> None:
        received.append(sender)

    with getattr(signals, name).connected_to(receive):
        served.talk(_ARRIVAL)
    served.talk(_ARRIVAL)

    assert received == [app]
    assert stub_gateway.batches == [1]
