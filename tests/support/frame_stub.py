"""A stub of the server behind the worker's page, which can send any reply."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from famulus.contracts.completion import (
    Completion,
    Nothing,
    VisitOutcome,
)
from famulus.contracts.views import Page as TaskPage
from famulus.engine.pages import (
    OUTCOME_HEADER,
    TaskFrame,
    TaskInfo,
    TaskLayout,
    WayOut,
    given_back_document,
    stored_document,
    submit_json,
    task_document,
)
from famulus.translation import ENGLISH, Translator

EN = Translator(ENGLISH)
_INFO = TaskInfo(title="Task")


FIELDS = """
<p><label>Name <input name="name" required></label></p>
<p><label>Secret <input name="secret" type="password"></label></p>
<p><label>Rating <select name="rating"><option value="">-</option><option>good</option>
<option>bad</option></select></label></p>
<p><label>Many <select name="many" multiple><option>one</option><option>two</option>
<option>three</option></select></label></p>
<p><label><input type="checkbox" name="which" value="a"> a</label>
<label><input type="checkbox" name="which" value="b"> b</label></p>
<p><label><input type="radio" name="sure"> sure</label>
<label><input type="radio" name="sure"> unsure</label></p>
<p><label>Action <textarea name="action"></textarea></label></p>
<p><label>File <input type="file" name="photo"></label></p>
"""


class Stub(ThreadingHTTPServer):
    """Serves ``page`` and receives submissions; ``replies`` are sent first, one per request."""

    daemon_threads = True

    def __init__(self, page: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.page = page
        self.replies: list[Reply] = []
        self.completion: Completion = Nothing(next_query={"worker_id": "x"})
        self.late = False
        self.received: list[tuple[str, dict[str, list[str]]]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/?worker_id=x"

    @property
    def submissions(self) -> list[dict[str, list[str]]]:
        return [fields for path, fields in self.received if path == "/submit"]


Reply = tuple[int, str, dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    server: Stub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/hang"):
            self.server.go_on.wait()
            return
        self.answer(200, self.server.page, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = form_fields(self.headers, body)
        path, _, query = self.path.partition("?")
        if path in ("/submit", "/give-back"):
            assert query == "ticket=the-ticket"
        self.server.received.append((path, fields))
        self.server.go_on.wait()
        if self.server.replies:
            self.answer(*self.server.replies.pop(0))
        elif path == "/submit":
            way_out = WayOut(VisitOutcome.COMPLETED, self.server.completion)
            html = stored_document(
                "Task", EN, fields, self.server.late, way_out, shows_answers=True
            )
            as_json = self.headers["Accept"] == "application/json"
            self.answer(200, submit_json("stored", "", html) if as_json else html, {})
        elif path == "/give-back":
            way_out = WayOut(VisitOutcome.WITHDREW, self.server.completion)
            self.answer(
                200,
                given_back_document("Task", EN, way_out),
                {OUTCOME_HEADER: "given_back"},
            )
        else:
            self.answer(200, "<h1>The platform has it</h1>", {})

    def answer(self, status: int, body: str, headers: dict[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        kind = "application/json" if body.startswith("{") else "text/html; charset=utf-8"
        fixed = {"Content-Type": kind, "Content-Length": str(len(data))}
        for name, value in {**fixed, "Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def form_fields(headers: Message, body: bytes) -> dict[str, list[str]]:
    """Parse a form with the standard library; the value of a file is its name."""
    if not headers["Content-Type"].startswith("multipart/"):
        return {"raw": [body.decode()]}
    whole = b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
    fields: dict[str, list[str]] = {}
    for part in BytesParser().parsebytes(whole).get_payload():
        assert isinstance(part, Message)
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        fields.setdefault(name, []).append(part.get_filename() or content.decode())
    return fields


@contextmanager
def serving(page: str, port: int = 0) -> Iterator[Stub]:
    stub = Stub(page, port)
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        stub.go_on.set()
        stub.shutdown()
        stub.server_close()
        thread.join()


def expect(what: Any) -> Any:
    """Playwright's ``expect``, which can only be imported where playwright is installed."""
    from playwright.sync_api import expect as expect_of

    expect_of.set_options(timeout=15_000)
    return expect_of(what)


def document(*, info: TaskInfo = _INFO, onboarding: bool = False, **changes: Any) -> str:
    page = TaskPage(body=changes.pop("body", FIELDS), scripts=changes.pop("scripts", ""))
    values: dict[str, Any] = {
        "page": page,
        "token": "the token",
        "ticket": "the-ticket",
        "submission_id": "first",
        "storage_key": "agent-1",
        "seconds_left": None,
    }
    layout = TaskLayout.of(info, EN, is_onboarding=onboarding)
    return task_document(layout, TaskFrame(**{**values, **changes}))


def submit(page: Any) -> None:
    page.get_by_role("button", name="Submit").click()


def stored(page: Any) -> Any:
    return page.get_by_role("heading", name="Your answers are stored")


AWAY = "The server is not answering"


BROKEN = "Something went wrong"


WIDGET = """
<p>Count: <output id="shown">0</output> <button type="button" id="more">More</button></p>
<input type="hidden" name="count" value="0"> <textarea name="notes" hidden></textarea>
<input type="hidden" name="fixed" value="FIXED">
"""


WIDGET_SCRIPT = """<script>
window.addEventListener("load", () => {
  const count = document.querySelector("[name=count]"), shown = document.querySelector("#shown");
  RESET
  document.querySelector("#more").onclick = () => {
    count.value = shown.value = Number(count.value) + 1;
    document.querySelector("[name=notes]").value = "counted to " + count.value;
  };
  document.addEventListener("famulus:restored", (event) => {
    shown.value = count.value;
    window.restored = [event.target.id].concat(event.detail.names);
  });
});
</script>"""


def kept(page: Any, text: str) -> None:
    """Wait until a text is in the local storage, so that a crash of the browser keeps it."""
    page.wait_for_function("text => JSON.stringify(localStorage).includes(text)", arg=text)
