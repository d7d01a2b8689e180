"""The front answers as Flask's views and the general parser do."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict, frozen
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import create_environ, run_wsgi_app

from famulus_flask.app import create_app
from famulus_flask.limits import Limits

_BOUNDARY = "----cut-here"
_MULTIPART = f"multipart/form-data; boundary={_BOUNDARY}"
_URLENCODED = "application/x-www-form-urlencoded"
_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@frozen
class Answer:
    """A reply, and the calls of the gateway that led to it."""

    status: str
    headers: dict[str, str]
    body: bytes
    forms: list[dict[str, Any]]


#: Sends one request through the front and through Flask alone, and returns both replies.
AskBoth = Callable[..., tuple[Answer, Answer]]


@pytest.fixture
def gateway(tmp_path: Path) -> Any:
    stub = runpy.run_path(str(Path(__file__).with_name("flask_stub_gateway.py")))
    return stub["StubGateway"](tmp_path)


@pytest.fixture
def ask_both(gateway: Any) -> AskBoth:
    def ask(
        method: str, path: str, body: bytes = b"", limits: Limits | None = None, **more: str | None
    ) -> tuple[Answer, Answer]:
        def send(app: Flask) -> Answer:
            environ = create_environ(method=method, data=body)
            environ.update({"PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), **more})
            environ["wsgi.input_terminated"] = True
            environ = {name: value for name, value in environ.items() if value is not None}
            return _answer(app.wsgi_app, environ, gateway)

        fronted, alone = create_app(gateway, limits=limits), create_app(gateway, limits=limits)
        del alone.wsgi_app
        through_front = send(fronted)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("famulus_flask.forms._SMALL_BYTES", -1)
            return through_front, send(alone)

    return ask


def _answer(application: Any, environ: dict[str, Any], gateway: Any) -> Answer:
    gateway.forms.clear()
    chunks, status, headers = run_wsgi_app(application, environ, buffered=True)
    assert len({name.lower() for name, _ in headers}) == len(headers)
    forms = [asdict(form) for form in gateway.forms]
    for form in forms:
        for file in form["files"]:
            del file["path"]
    return Answer(status, dict(headers), b"".join(chunks), forms)


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


_EXAMPLES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


@_EXAMPLES
@given(form=_FORMS)
def test_any_form_is_read_as_the_general_parser_reads_it(ask_both: AskBoth, form: bytes) -> None:
    front, flask = ask_both("POST", "/submit", form + _END, CONTENT_TYPE=_MULTIPART)

    assert front == flask


@_EXAMPLES
@given(body=_damaged(), missing=st.sampled_from([0, 0, 0, 1]))
def test_any_damage_is_judged_as_the_general_parser_judges_it(
    ask_both: AskBoth, body: bytes, missing: int
) -> None:
    length = str(len(body) + missing)

    front, flask = ask_both("POST", "/submit", body, CONTENT_TYPE=_MULTIPART, CONTENT_LENGTH=length)

    assert front == flask


@_EXAMPLES
@given(
    query=st.text(st.sampled_from("ab12=&;+%fc3/?#é\xff\xc3\xbc"), max_size=12),
)
def test_any_query_is_read_as_flask_reads_it(ask_both: AskBoth, query: str) -> None:
    front, flask = ask_both("GET", "/", QUERY_STRING=query)

    assert front == flask


@pytest.mark.parametrize("accept", [None, "", "*/*", "application/json", _BROWSER, "text/html"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"status": "422"}, {"status": "204"}, {"header": "yes"}, {"header": "two\nlines"}],
)
def test_reply_is_sent_as_flask_sends_it(
    ask_both: AskBoth, accept: str | None, fields: dict[str, str]
) -> None:
    parts = [_part(name.encode(), value.encode()) for name, value in {"a": "1", **fields}.items()]
    body = b"".join(parts) + _END

    front, flask = ask_both("POST", "/submit", body, CONTENT_TYPE=_MULTIPART, HTTP_ACCEPT=accept)

    assert front == flask
    assert front.headers["X-Content-Type-Options"] == "nosniff"
    assert len(front.forms) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/"),
        ("OPTIONS", "/"),
        ("POST", "/"),
        ("get", "/"),
        ("GET", ""),
        ("GET", "//"),
        ("GET", "/submit"),
        ("PUT", "/submit"),
        ("POST", "/submit/"),
        ("POST", "submit"),
        ("POST", "/give-back"),
        ("GET", "/nothing"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", _BROWSER])
def test_address_that_is_not_the_fronts_is_flasks(
    ask_both: AskBoth, method: str, path: str, accept: str
) -> None:
    front, flask = ask_both(method, path, b"a=1", CONTENT_TYPE=_URLENCODED, HTTP_ACCEPT=accept)

    assert front == flask


@pytest.mark.parametrize(
    "unusual",
    [
        {"CONTENT_TYPE": None},
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": "multipart/form-data"},
        {"CONTENT_TYPE": 'Multipart/Form-Data; charset=utf-8; boundary="----cut-here"'},
        {"CONTENT_TYPE": "multipart/form-data; boundary=other"},
        {"CONTENT_TYPE": _URLENCODED},
        {"CONTENT_LENGTH": None},
        {"CONTENT_LENGTH": "many"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "500"},
        {"CONTENT_LENGTH": "1000000000"},
        {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
        {"HTTP_HOST": "two words"},
        {"SCRIPT_NAME": "/words"},
    ],
)
def test_unusual_submission_is_answered_as_flask_answers_it(
    ask_both: AskBoth, unusual: dict[str, str | None]
) -> None:
    request = {"CONTENT_TYPE": _MULTIPART, **unusual}

    front, flask = ask_both("POST", "/submit", _part(b"a", b"1") + _END, **request)

    assert front == flask


@pytest.mark.parametrize("field", ["unavailable", "mistake"])
@pytest.mark.parametrize("accept", ["application/json", _BROWSER])
def test_error_is_answered_as_by_flask(ask_both: AskBoth, field: str, accept: str) -> None:
    body = _part(field.encode(), b"1") + _END

    front, flask = ask_both("POST", "/submit", body, CONTENT_TYPE=_MULTIPART, HTTP_ACCEPT=accept)

    assert front == flask
    assert front.status[:3] in ("503", "500")


@pytest.mark.parametrize(
    "limits", [{"max_text_bytes": 9}, {"max_fields": 3}, {"max_form_bytes": 250}]
)
def test_limits_are_those_of_the_general_parser(ask_both: AskBoth, limits: dict[str, int]) -> None:
    outcomes = set()

    for count in range(1, 6):
        body = _part(b"ab", b"1") * count + _END
        front, flask = ask_both(
            "POST", "/submit", body, CONTENT_TYPE=_MULTIPART, limits=Limits(**limits)
        )
        assert front == flask
        outcomes.add(front.status[:3])

    assert outcomes == {"200", "413"}


def test_page_and_submission_do_without_flask(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(gateway)
    monkeypatch.setattr(app, "full_dispatch_request", None)
    client = DispatcherMiddleware(None, {"/words": app.wsgi_app})  # type: ignore[arg-type]
    form = create_environ(
        "/words/submit", method="POST", data=_part(b"a", b"1") + _END, content_type=_MULTIPART
    )

    page = _answer(client, create_environ("/words/?worker_id=x"), gateway)
    submission = _answer(client, form, gateway)

    assert (page.status, page.body) == ("200 OK", b'{"worker_id": "x"}')
    assert submission.status == "200 OK"
    assert [list(form["fields"]) for form in submission.forms] == [[("a", "1")]]


def _ask_for_a_password(app: Flask) -> None:
    app.before_request(lambda: ("a password, please", 401))


def _put_a_view_around_the_page(app: Flask) -> None:
    app.view_functions["arrive"] = lambda: ("not you", 401)


def _trust_one_host(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["tasks.example.org"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (_ask_for_a_password, 401),
        (_put_a_view_around_the_page, 401),
        (_trust_one_host, 400),
    ],
)
def test_front_bypasses_nothing_that_was_added_to_the_application(
    gateway: Any, change: Callable[[Flask], None], status: int
) -> None:
    app = create_app(gateway)
    change(app)

    assert app.test_client().get("/?worker_id=x").status_code == status


def test_function_after_each_request_sees_the_pages_too(gateway: Any) -> None:
    app = create_app(gateway)

    @app.after_request
    def sign(response: Any) -> Any:
        response.headers["X-Signed"] = "yes"
        return response

    assert app.test_client().get("/?worker_id=x").headers["X-Signed"] == "yes"
