from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from famulus import AssetFolder, UsageError
from famulus_flask import wsgi
from famulus_flask.app import create_app
from famulus_flask.limits import Limits

_BOUNDARY = "cut-here"
_MULTIPART = f"multipart/form-data; boundary={_BOUNDARY}"


@pytest.fixture
def gateway(tmp_path: Path) -> Any:
    stub = runpy.run_path(str(Path(__file__).with_name("flask_stub_gateway.py")))
    return stub["StubGateway"](tmp_path)


@pytest.fixture
def client(gateway: Any) -> FlaskClient:
    return create_app(gateway, instance="abc").test_client()


def _limited(gateway: Any, **limits: int) -> FlaskClient:
    return create_app(gateway, limits=Limits(**limits)).test_client()


def _part(name: str, value: bytes, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = f"--{_BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n"
    return head.encode() + value + b"\r\n"


_URLENCODED = "application/x-www-form-urlencoded"
_END = f"--{_BOUNDARY}--\r\n".encode()


def test_arrival_hands_the_query_to_the_gateway(client: FlaskClient) -> None:
    reply = client.get("/?worker_id=x&assignment_id=1&worker_id=y")

    assert reply.get_json(force=True) == {"worker_id": "x", "assignment_id": "1"}
    assert reply.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_healthz_names_run_and_instance(client: FlaskClient) -> None:
    reply = client.get("/healthz")

    assert reply.get_json() == {"run": 7, "instance": "abc", "busy": False}
    assert reply.headers["Cache-Control"] == "no-store"


def test_fields_keep_the_order_of_the_page(client: FlaskClient, gateway: Any) -> None:
    body = (
        _part("b", b"1")
        + _part("photo", b"", filename="")
        + _part("a", "ä\r\n".encode())
        + _part("b", b"2")
        + _END
    )

    reply = client.post("/submit", data=body, content_type=_MULTIPART)

    assert reply.status_code == 200
    form = gateway.forms[0]
    assert form.fields == (("b", "1"), ("photo", ""), ("a", "ä\r\n"), ("b", "2"))
    assert form.empty_files == {"photo"}


def test_headers_and_status_are_those_of_the_reply(client: FlaskClient) -> None:
    reply = client.post("/submit", data={"header": "yes", "status": "422"})

    assert (reply.status_code, reply.headers["X-Taken"]) == (422, "yes")


def test_form_without_script_may_be_urlencoded(client: FlaskClient, gateway: Any) -> None:
    client.post("/submit", data={"a": ["1", "", "ü & ="]})

    assert gateway.forms[0].fields == (("a", "1"), ("a", ""), ("a", "ü & ="))


def test_file_is_streamed_to_the_upload_folder(client: FlaskClient, gateway: Any) -> None:
    content = bytes(range(256)) * 1500
    form = {"kept": (io.BytesIO(content), "../../my photo.jpg", "image/jpeg"), "after": "text"}

    client.post("/submit", data=form)

    (file,) = gateway.forms[0].files
    assert (file.field, file.filename) == ("kept", "../../my photo.jpg")
    assert (file.content_type, file.size) == ("image/jpeg", len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.path.parent == gateway.upload_folder
    assert (gateway.kept_folder / file.path.name).read_bytes() == content


def test_file_that_the_gateway_leaves_is_deleted(client: FlaskClient, gateway: Any) -> None:
    client.post("/submit", data={"left": (io.BytesIO(b"x"), "a.txt")})

    assert len(gateway.forms[0].files) == 1
    assert not list(gateway.upload_folder.iterdir())


def test_file_without_bytes_but_with_a_name_is_a_file(client: FlaskClient, gateway: Any) -> None:
    client.post("/submit", data={"kept": (io.BytesIO(b""), "empty.txt")})

    (file,) = gateway.forms[0].files
    assert (file.size, gateway.forms[0].empty_files) == (0, frozenset())


def test_reply_is_json_only_for_who_prefers_it(client: FlaskClient) -> None:
    script = client.post("/submit", data={"a": "1"}, headers={"Accept": "application/json"})
    browser = client.post("/submit", data={"a": "1"}, headers={"Accept": "text/html,*/*;q=0.8"})

    assert script.mimetype == "application/json"
    assert browser.mimetype == "text/html"


def test_give_back_hands_over_the_form(client: FlaskClient) -> None:
    assert client.post("/give-back", data={"famulus_token": "t"}).text == "given back t"


@pytest.mark.parametrize(
    ("limits", "form"),
    [
        ({"max_file_bytes": 10}, {"f": (io.BytesIO(b"x" * 11), "a")}),
        ({"max_form_bytes": 300}, {"a": "x" * 200, "b": "x" * 200}),
        ({"max_text_bytes": 20}, {"a": "x" * 10, "b": "x" * 11, "f": (io.BytesIO(b""), "")}),
        ({"max_fields": 2}, {"a": "1", "b": "2", "c": "3", "f": (io.BytesIO(b""), "")}),
        ({"max_files": 1}, {"f": (io.BytesIO(b"x"), "a"), "g": (io.BytesIO(b"x"), "b")}),
        ({"max_text_bytes": 20}, {"a": "x" * 10, "b": "x" * 11}),
        ({"max_fields": 2}, {"a": "1", "b": "2", "c": "3"}),
    ],
)
def test_form_beyond_a_limit_is_413(
    gateway: Any, limits: dict[str, int], form: dict[str, Any]
) -> None:
    client = _limited(gateway, **limits)

    reply = client.post("/submit", data=form)

    assert reply.status_code == 413
    assert "may have at most" in reply.text
    assert not gateway.forms
    assert not list(gateway.upload_folder.iterdir())


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({f"f{n}": "" for n in range(1000)}, 200),
        ({f"f{n}": "" for n in range(1001)}, 413),
        ({"a": "x" * 1_990_000}, 200),
        ({"a": "x" * 2_000_000}, 413),
        ({"a" * 2_000_000: ""}, 413),
    ],
)
@pytest.mark.parametrize("kind", [_MULTIPART, "application/x-www-form-urlencoded"])
def test_unless_set_a_form_has_a_thousand_fields_and_two_megabytes(
    client: FlaskClient, gateway: Any, kind: str, form: dict[str, str], status: int
) -> None:
    body = urlencode(form).encode()
    if kind == _MULTIPART:
        body = b"".join(_part(name, value.encode()) for name, value in form.items()) + _END

    reply = client.post("/submit", data=body, content_type=kind)

    assert reply.status_code == status
    assert len(gateway.forms) == (status == 200)


def test_413_names_the_exceeded_limit(gateway: Any) -> None:
    client = _limited(gateway, max_file_bytes=2_500_000)
    body = _part("f", bytes(2_500_001), filename="a") + _END
    headers = {"Accept": "application/json"}

    reply = client.post("/submit", data=body, content_type=_MULTIPART, headers=headers)

    found = reply.get_json()
    assert found["outcome"] == "too_large"
    assert found["message"] == "A file may have at most 2.5 MB."


@pytest.mark.parametrize(
    "excess",
    [
        _part("f", bytes(101), filename="a"),
        _part("f", b"1", filename="a") * 3,
        _part("long", bytes(1001)),
        _part("many", b"") * 9,
    ],
    ids=["large file", "too many files", "long text", "too many fields"],
)
def test_the_fields_kept_of_a_form_that_is_too_large_go_to_the_gateway(
    gateway: Any, excess: bytes
) -> None:
    client = _limited(gateway, max_file_bytes=100, max_text_bytes=1000, max_fields=8, max_files=2)
    body = _part("famulus_token", b"t") + _part("a", b"1") + excess + _part("b", b"2") + _END

    reply = client.post("/submit", data=body, content_type=_MULTIPART)

    assert reply.status_code == 413
    kept = json.loads(reply.text)["fields"]
    assert kept[:2] == [["famulus_token", "t"], ["a", "1"]]
    assert (["b", "2"] in kept) == (b"many" not in excess)
    assert not gateway.forms
    assert not list(gateway.upload_folder.iterdir())


def test_names_of_fields_without_a_file_count_as_text(gateway: Any) -> None:
    client = _limited(gateway, max_text_bytes=1000)
    names = [f"{number}{'x' * 600}" for number in range(50)]
    body = b"".join(_part(name, b"", filename="") for name in names) + _END

    reply = client.post("/submit", data=body, content_type=_MULTIPART)

    assert reply.status_code == 413
    (form,) = gateway.refused
    assert form.empty_files == {names[0]}


def test_form_of_too_many_parts_is_not_taken_apart_to_its_end(gateway: Any) -> None:
    client = _limited(gateway, max_fields=8, max_files=2)
    body = _part("a", b"1") + _part("many", b"") * 10_000 + _END

    reply = client.post("/submit", data=body, content_type=_MULTIPART)

    assert reply.status_code == 413
    assert len(json.loads(reply.text)["fields"]) == 8


@pytest.mark.parametrize(
    ("method", "path", "status", "heading"),
    [
        ("GET", "/nothing", 404, "There is nothing here"),
        ("GET", "/submit", 405, "This page cannot be opened by its address"),
        ("POST", "/submit", 415, "Unsupported Media Type"),
    ],
)
def test_error_of_http_has_a_page_of_the_gateways(
    client: FlaskClient, method: str, path: str, status: int, heading: str
) -> None:
    reply = client.open(path, method=method, content_type="text/plain")

    assert reply.status_code == status
    assert json.loads(reply.text)["heading"] == heading


def test_header_of_a_part_has_a_limit(client: FlaskClient, gateway: Any) -> None:
    body = _part("a" * 200_000, b"1") + _END

    assert client.post("/submit", data=body, content_type=_MULTIPART).status_code == 413


@pytest.mark.parametrize("cut", [3, 10, 60, 100_100])
def test_multipart_form_that_breaks_off_is_refused(
    client: FlaskClient, gateway: Any, cut: int
) -> None:
    whole = _part("a", b"1") + _part("f", b"x" * 100_000, filename="a") + _END

    reply = client.post("/submit", data=whole[:-cut], content_type=_MULTIPART)

    assert reply.status_code == 400
    assert not gateway.forms
    assert not list(gateway.upload_folder.iterdir())


def test_urlencoded_form_shorter_than_announced_is_refused(
    client: FlaskClient, gateway: Any
) -> None:
    reply = client.post(
        "/submit",
        data={"a": "1"},
        environ_overrides={"CONTENT_LENGTH": "20", "wsgi.input_terminated": True},
    )

    assert reply.status_code == 400
    assert not gateway.forms


def test_urlencoded_form_of_unknown_length_is_refused(client: FlaskClient, gateway: Any) -> None:
    reply = client.post(
        "/submit",
        data={"a": "1"},
        environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    )

    assert reply.status_code == 411
    assert not gateway.forms


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=ü", 400),
        ("multipart/form-data; boundary=other", 400),
    ],
)
def test_an_invalid_form_is_refused(client: FlaskClient, content_type: str, status: int) -> None:
    reply = client.post("/submit", data=_part("a", b"1") + _END, content_type=content_type)

    assert reply.status_code == status


def test_part_without_a_name_is_refused(client: FlaskClient) -> None:
    body = f"--{_BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n".encode() + _END

    assert client.post("/submit", data=body, content_type=_MULTIPART).status_code == 400


def test_upload_that_cannot_be_written_asks_to_come_again(
    client: FlaskClient, gateway: Any
) -> None:
    gateway.upload_folder.rmdir()

    reply = client.post("/submit", data={"f": (io.BytesIO(b"x"), "a")})

    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")


def test_unavailable_gateway_asks_to_come_again(client: FlaskClient) -> None:
    assert client.post("/submit", data={"unavailable": "1"}).status_code == 503


def test_bodies_get_three_quarters_of_the_threads_of_another_server(gateway: Any) -> None:
    client = _limited(gateway, threads=4)
    statuses: list[int] = []

    class Nested(io.BytesIO):
        """A body that is received while another one is."""

        def read(self, size: int | None = -1) -> bytes:
            send()
            return super().read(size)

    def send() -> None:
        if len(statuses) < 10:
            statuses.append(0)
            place = len(statuses) - 1
            statuses[place] = client.post(
                "/submit",
                input_stream=Nested(b"a=1") if place < 3 else io.BytesIO(b"a=1"),
                content_type=_URLENCODED,
                environ_overrides={"wsgi.input_terminated": True},
            ).status_code
            statuses.append(client.get("/?worker_id=x").status_code)

    send()

    assert statuses.count(503) >= 1
    assert statuses[0] == 200
    assert client.post("/submit", data={"a": "1"}).status_code == 200


@pytest.mark.parametrize("address", ["/submit", "/give-back"])
@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=bad", "?ticket=bad&ticket=good"])
def test_form_without_a_ticket_is_refused_before_it_is_read(
    client: FlaskClient, gateway: Any, address: str, query: str
) -> None:
    gateway.ticket = "good"

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError

    reply = client.post(
        address + query,
        input_stream=Unread(),
        content_type=_MULTIPART,
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Accept": "application/json"},
    )

    assert reply.status_code == 404
    assert reply.is_json == (address == "/submit")
    assert client.post("/submit?ticket=good", data={"a": "1"}).status_code == 200


def test_asset_comes_from_the_first_folder_that_has_it(client: FlaskClient, gateway: Any) -> None:
    first, second = (each.path for each in gateway.assets)
    (first / "style.css").write_text("first")
    (second / "style.css").write_text("second")
    (second / "img").mkdir()
    (second / "img" / "a b.svg").write_text("<svg/>")

    assert client.get("/style.css", buffered=True).text == "first"
    picture = client.get("/img/a%20b.svg", buffered=True)
    assert (picture.text, picture.mimetype) == ("<svg/>", "image/svg+xml")
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


def test_asset_answers_ranges_and_conditions(client: FlaskClient, gateway: Any) -> None:
    (gateway.assets[0].path / "clip.mp4").write_bytes(b"0123456789")

    part = client.get("/clip.mp4", buffered=True, headers={"Range": "bytes=2-4"})
    again = client.get("/clip.mp4", buffered=True, headers={"If-None-Match": part.headers["ETag"]})

    assert (part.status_code, part.data) == (206, b"234")
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc/passwd",
        "/../secret.txt",
        "/img/../../secret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/.env",
        "/.git/config",
        "/img",
        "/img/",
        "/link.txt",
        "/linked/secret.txt",
        "/a%00b",
        "/%ff",
        "/..%5csecret.txt",
        "/uploads/x",
    ],
)
def test_path_that_is_no_asset_is_404(client: FlaskClient, gateway: Any, path: str) -> None:
    folder = gateway.assets[0].path
    secret = folder.parent / "secret.txt"
    secret.write_text("secret")
    (folder / "img").mkdir()
    (folder / ".env").write_text("KEY=1")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "link.txt").symlink_to(secret)
    (folder / "linked").symlink_to(folder.parent)
    (gateway.upload_folder / "x").write_text("<script>")

    reply = client.get(path)

    assert reply.status_code == 404
    assert "secret" not in reply.text


def test_file_that_its_folder_does_not_serve_is_404(client: FlaskClient, gateway: Any) -> None:
    first, second = gateway.assets
    for folder in (first.path, second.path):
        (folder / "a.png").write_text(folder.name)
        (folder / "data.csv").write_text("secret")
    gateway.assets = [AssetFolder(first.path, lambda name: name in ("a.png", "../data.csv"))]

    assert client.get("/a.png", buffered=True).text == "assets"
    assert client.get("/data.csv").status_code == 404
    assert client.get("/..%2fdata.csv").status_code == 404

    gateway.assets = [AssetFolder(first.path, lambda _: False), second]
    assert client.get("/a.png", buffered=True).text == "more_assets"


@pytest.mark.parametrize("length", [1, 255, 256, 4095, 9000])
@pytest.mark.parametrize("byte", ["a", "%1b", "%c3%a4", "%ff", "a/"])
def test_asset_name_of_any_length_is_404(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, byte: str, length: int
) -> None:
    assert client.get("/" + byte * length).status_code == 404
    assert not caplog.records


def test_asset_that_cannot_be_read_is_404(
    client: FlaskClient, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: Path = gateway.assets[0].path
    (folder / "circle").symlink_to("circle")
    (folder / "gone.txt").write_text("x")
    found = folder / "gone.txt"
    monkeypatch.setattr("famulus_flask.app.find_asset", lambda *_: found)
    found.unlink()

    assert client.get("/circle").status_code == 404
    assert client.get("/gone.txt").status_code == 404


def test_asset_is_asked_for_again_where_no_file_can_be_opened(
    client: FlaskClient, gateway: Any
) -> None:
    (gateway.assets[0].path / "style.css").write_text("a { }")
    assert client.get("/style.css", buffered=True).status_code == 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        reply = client.get("/style.css")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (reply.status_code, reply.text) == (503, "come again")
    assert reply.headers["Retry-After"] == "5"


def test_every_reply_carries_the_headers_of_the_frame(client: FlaskClient, gateway: Any) -> None:
    (gateway.assets[0].path / "page.html").write_text("<script src=x.js></script>")

    for path in ("/", "/page.html", "/nothing", "/submit", "/healthz"):
        reply = client.get(path, buffered=True)

        # A page may show its own files in a frame.
        ancestors = "'self'" if path == "/page.html" else "'none'"
        assert reply.headers["Content-Security-Policy"] == f"frame-ancestors {ancestors}"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_path_of_a_failing_view_is_logged_escaped_and_bounded(
    client: FlaskClient, gateway: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.assets = None

    client.get("/%1b]0;title%07%c2%9b" + "x" * 9000)

    message = caplog.messages[0]
    assert message.isprintable()
    assert message.startswith(r"GET /\x1b]0;title\x07\x9bxxx")
    assert len(message) < 300


@pytest.mark.parametrize("error", [OSError("invalid chunk size"), Exception("of gunicorn's own")])
def test_body_that_breaks_in_the_server_is_400(client: FlaskClient, error: Exception) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise error

    reply = client.post(
        "/submit",
        input_stream=Broken(),
        content_type=_MULTIPART,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert reply.status_code == 400


def test_link_inside_the_folder_is_followed(client: FlaskClient, gateway: Any) -> None:
    folder: Path = gateway.assets[0].path
    (folder / "real.txt").write_text("here")
    (folder / "link.txt").symlink_to("real.txt")

    assert client.get("/link.txt", buffered=True).text == "here"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/submit", "POST"), ("GET", "/give-back", "POST"), ("DELETE", "/", "GET")],
)
def test_wrong_method_is_405(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    reply = client.open(path, method=method)

    assert reply.status_code == 405
    assert allowed in reply.headers["Allow"]
    assert reply.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_unexpected_error_is_a_plain_page(client: FlaskClient, gateway: Any) -> None:
    gateway.arrive = None

    reply = client.get("/?worker_id=x")

    assert reply.status_code == 500
    assert "TypeError" not in reply.text
    assert "Please try again" in reply.text


def test_limits_come_through_the_environment() -> None:
    limits = Limits(max_file_bytes=1, max_files=0)

    assert Limits.from_environment(limits.to_environment()) == limits


def test_limit_that_is_no_number_is_named() -> None:
    environment = {"FAMULUS_FLASK_MAX_FILES": "many", "FAMULUS_FLASK_MAX_FIELDS": "-1"}

    with pytest.raises(UsageError) as caught:
        Limits.from_environment(environment)

    keys = {problem.key for problem in caught.value.problems}
    assert keys == set(environment)


def test_application_needs_the_number_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAMULUS_RUN", raising=False)

    with pytest.raises(UsageError, match="FAMULUS_RUN"):
        wsgi.create_app()
