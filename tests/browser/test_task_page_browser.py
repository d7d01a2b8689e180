"""The worker's page in a real Chromium, with a stub of the server that can send any reply."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from famulus.contracts.completion import (
    Completion,
    GoTo,
    Nothing,
    PostForm,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.filled_form import fill_form
from famulus.contracts.views import Page as TaskPage
from famulus.engine.pages import (
    OUTCOME_HEADER,
    PASSED,
    TaskFrame,
    TaskInfo,
    WayOut,
    conflict_document,
    failed_onboarding_document,
    given_back_document,
    preview_document,
    stored_document,
    submit_json,
    task_document,
)
from famulus.engine.units import UnitNumber
from famulus.translation import ENGLISH, Translator

EN = Translator(ENGLISH)

pytestmark = pytest.mark.browser

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


def document(**changes: Any) -> str:
    page = TaskPage(body=changes.pop("body", FIELDS), scripts=changes.pop("scripts", ""))
    values: dict[str, Any] = {
        "info": TaskInfo(title="Task"),
        "page": page,
        "token": "the token",
        "ticket": "the-ticket",
        "submission_id": "first",
        "storage_key": "agent-1",
        "seconds_left": None,
    }
    return task_document(TaskFrame(**{**values, **changes}), EN)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(document()) as server:
        yield server


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    contexts = []

    def open_url(url: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(url, wait_until="commit")
        return page

    yield open_url
    for context in contexts:
        context.close()


def submit(page: Any) -> None:
    page.get_by_role("button", name="Submit").click()


def stored(page: Any) -> Any:
    return page.get_by_role("heading", name="Your answers are stored")


def test_submission_shows_the_data_that_was_sent_and_the_next_unit(
    stub: Stub, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    photo = tmp_path / "cat.png"
    photo.write_bytes(b"not really")
    page = open_page(stub.url)

    page.get_by_label("Name").fill("<b>Ann</b>")
    page.get_by_label("Rating").select_option("bad")
    page.get_by_label("Many").select_option(["one", "three"])
    page.get_by_label("a", exact=True).check()
    page.get_by_label("b", exact=True).check()
    page.get_by_label("Action").fill("a field that is called action")
    page.get_by_label("File").set_input_files(photo)
    submit(page)

    expect(stored(page)).to_be_visible()
    expect(page.get_by_role("link", name="Next unit")).to_have_attribute("href", "./?worker_id=x")
    expect(page.locator("#famulus-answers")).to_contain_text('"<b>Ann</b>"')
    (sent,) = stub.submissions
    assert sent["famulus_token"] == ["the token"]
    assert sent["famulus_submission"] == ["first"]
    assert sent["which"] == ["a", "b"]
    assert sent["many"] == ["one", "three"]
    assert sent["photo"] == ["cat.png"]


def test_without_javascript_the_form_is_posted_plainly(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url, java_script_enabled=False)

    page.get_by_label("Name").fill("Ann")
    submit(page)

    expect(stored(page)).to_be_visible()
    assert stub.submissions[0]["name"] == ["Ann"]
    assert stub.submissions[0]["famulus_submission"] == ["first"]


def test_without_javascript_a_refused_form_is_shown_again_with_its_answers(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    sent = [("name", "Ann"), ("rating", "bad"), ("many", "two"), ("which", "b"), ("action", "<&")]
    page = open_page(stub.url, java_script_enabled=False)
    page.get_by_label("Name").fill("Ann")
    stub.replies = [(422, document(body=fill_form(FIELDS, sent), message="Say more."), {})]

    submit(page)

    expect(page.get_by_role("alert")).to_have_text("Your answers are not stored yet. Say more.")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    submit(page)
    expect(stored(page)).to_be_visible()
    fields = stub.submissions[-1]
    assert {name: fields[name] for name in ("name", "rating", "many", "which", "action")} == {
        name: [value] for name, value in sent
    }


def test_without_javascript_giving_back_ignores_required_fields(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url, java_script_enabled=False)

    page.get_by_role("button", name="Give back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert stub.received[0][0] == "/give-back"


def test_browser_without_fetch_posts_plainly(stub: Stub, open_page: Callable[..., Any]) -> None:
    page = open_page("about:blank")
    page.add_init_script("delete window.fetch")
    page.goto(stub.url)

    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.wait_for_url("**/submit?ticket=the-ticket")
    expect(stored(page)).to_be_visible()


def test_frame_of_another_origin_can_submit_and_give_back(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    with serving(f'<iframe width="600" height="500" src="{stub.url}"></iframe>') as platform:
        page = open_page(platform.url.replace("127.0.0.1", "localhost"))
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Give back").click()
        frame.get_by_role("button", name="Keep working").click()
        frame.get_by_label("Name").fill("Ann")

        submit(frame)

        expect(stored(frame)).to_be_visible()


def test_required_field_keeps_the_form_from_being_sent(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)

    submit(page)

    assert page.evaluate("document.activeElement.name") == "name"
    assert stub.submissions == []


def test_double_click_sends_once(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.go_on.clear()
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    page.get_by_role("button", name="Submit").dblclick()
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    page.evaluate("document.querySelector('#famulus-form').requestSubmit()")
    page.evaluate("document.querySelector('#famulus-form').submit()")
    stub.go_on.set()

    expect(stored(page)).to_be_visible()
    assert len(stub.submissions) == 1


AWAY = "The server is not answering"
BROKEN = "Something went wrong"


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ((500, "<h1>Internal Server Error</h1>", {}), BROKEN),
        ((500, submit_json("error", "Sorry. Reference: 8f3a", ""), {}), "8f3a"),
        ((502, "<h1>Bad gateway</h1>", {}), AWAY),
        ((503, "busy", {}), AWAY),
        ((503, submit_json("stored", "", "<h1>No</h1>"), {}), AWAY),
        ((599, "", {}), AWAY),
        ((408, submit_json("error", "", ""), {}), AWAY),
        ((429, "slower", {"Retry-After": "1"}), AWAY),
        ((403, "<h1>Forbidden</h1>", {}), AWAY),
        ((404, "<h1>Not found</h1>", {}), AWAY),
        ((400, '{"detail": "not ours"}', {}), AWAY),
        ((200, "<h1>Log in to this network</h1>", {}), AWAY),
        ((200, "{", {}), AWAY),
        ((200, "", {}), AWAY),
        ((200, submit_json("stored", "", "cut off"), {"Content-Length": "9999"}), AWAY),
    ],
)
def test_form_without_a_final_reply_is_sent_again_with_the_same_submission(
    stub: Stub, open_page: Callable[..., Any], away: Reply, words: str
) -> None:
    stub.replies = [away, away]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("status").first).to_contain_text(words)
    expect(stored(page)).to_be_visible()
    assert len(stub.submissions) == 3
    assert all(sent == stub.submissions[0] for sent in stub.submissions)


def test_the_retry_waits_as_long_as_a_busy_server_asks(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(503, "busy", {"Retry-After": "200"})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("status").first).to_contain_text(re.compile(r"in (199|200) s"))
    page.get_by_role("button", name="Try now").click()
    expect(stored(page)).to_be_visible()


def test_answers_changed_after_a_failed_submission_are_a_new_submission(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(500, "", {"Retry-After": "200"})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.get_by_role("button", name="Back to my answers").click()
    page.get_by_label("Name").fill("Anna")
    submit(page)

    expect(stored(page)).to_be_visible()
    first, second = stub.submissions
    assert (first["name"], second["name"]) == (["Ann"], ["Anna"])
    assert first["famulus_submission"] != second["famulus_submission"]
    assert len(second["famulus_submission"][0]) == 32


def test_giving_back_is_retried_until_our_server_confirms_it(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(200, "<h1>Log in to this network</h1>", {}), (500, "", {}), (503, "", {})]
    page = open_page(stub.url)

    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Yes, give it back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert len(stub.received) == 4


def test_answers_stay_in_the_page_until_the_server_is_back(open_page: Callable[..., Any]) -> None:
    with serving(document()) as gone:
        page = open_page(gone.url)
        page.get_by_label("Name").fill("Ann")

    submit(page)

    status = page.get_by_role("status").first
    expect(status).to_contain_text("The server is not answering. Your answers are kept")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(stored(page)).to_have_count(0)

    with serving(document(), gone.server_port) as back:
        page.get_by_role("button", name="Try now").click()
        expect(stored(page)).to_be_visible()
        assert [sent["name"] for sent in back.submissions] == [["Ann"]]


def test_invalid_answers_leave_the_form_editable_with_the_reason(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.replies = [(422, submit_json("invalid", "Say <more>, please.", ""), {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("A")

    submit(page)

    alert = page.get_by_role("alert")
    expect(alert).to_have_text("Say <more>, please.")
    expect(alert).to_be_focused()

    page.get_by_label("Name").fill("Ann")
    submit(page)

    expect(stored(page)).to_be_visible()
    assert [sent["name"] for sent in stub.submissions] == [["A"], ["Ann"]]


def test_a_conflict_replaces_the_form(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.replies = [(409, submit_json("conflict", "", conflict_document("Task", EN)), {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("heading", name="This one is submitted already")).to_be_visible()
    expect(page.locator("form")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (413, "<h1>Too large</h1>", "too large"),
        (415, submit_json("error", "", ""), "not submitted"),
        (403, submit_json("refused", "This link does not work.", ""), "This link"),
    ],
)
def test_refused_submission_shows_the_reason_and_keeps_the_answers(
    stub: Stub, open_page: Callable[..., Any], status: int, body: str, words: str
) -> None:
    stub.replies = [(status, body, {})]
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_role("button", name="Submit")).to_have_attribute("aria-disabled", "false")


def test_a_file_deleted_before_the_submission_is_named_and_not_retried(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    photo = tmp_path / "cat.png"
    photo.write_bytes(b"not really")
    with serving(document()) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("File").set_input_files(photo)
        photo.unlink()

        submit(page)

        expect(page.get_by_role("alert")).to_contain_text("cat.png")


def test_reload_keeps_answers_but_no_password_and_no_token(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Secret").fill("hunter2")
    page.get_by_label("Rating").select_option("good")
    page.get_by_label("Many").select_option(["one", "three"])
    page.get_by_label("b", exact=True).check()
    page.get_by_label("sure", exact=True).check()
    stub.page = document(submission_id="second")

    page.reload()

    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Rating")).to_have_value("good")
    expect(page.get_by_label("Many")).to_have_values(["one", "three"])
    expect(page.get_by_label("b", exact=True)).to_be_checked()
    expect(page.get_by_label("a", exact=True)).not_to_be_checked()
    expect(page.get_by_label("sure", exact=True)).to_be_checked()
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "Ann" in kept
    assert "hunter2" not in kept
    assert "token" not in kept
    submit(page)
    expect(stored(page)).to_be_visible()
    assert stub.submissions[-1]["famulus_submission"] == ["second"]


def test_reload_lists_the_files_to_choose_again(stub: Stub, open_page: Callable[..., Any]) -> None:
    photo = {"name": "my cat.png", "mimeType": "image/png", "buffer": b"x"}
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("File").set_input_files([photo])
    note = page.get_by_role("status").filter(has_text="choose “my cat.png” again")
    expect(note).to_have_count(0)

    for _ in range(2):
        page.reload()
        expect(note).to_be_visible()
    above, below = note.bounding_box(), page.locator("#famulus-task").bounding_box()
    assert below["y"] - above["y"] - above["height"] >= 16, "no space below the note"
    page.get_by_label("Name").fill("Eve")
    expect(note).to_be_visible()

    page.get_by_label("File").set_input_files([photo])
    expect(note).to_have_count(0)
    submit(page)
    expect(stored(page)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_be_visible()
    expect(note).to_have_count(0)


def test_a_draft_is_restored_for_its_agent_only_and_removed_by_the_submission(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    stub.page = document(storage_key="agent-2")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("")
    stub.page = document()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Ann")

    submit(page)

    expect(stored(page)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0


def test_restored_answers_reach_the_authors_scripts_and_fields_but_submit_nothing(
    open_page: Callable[..., Any],
) -> None:
    body = '<p><label><input type="checkbox" name="other" value="yes"> Other</label></p>'
    scripts = """<script>
    const box = document.querySelector("[name=other]");
    box.addEventListener("change", () => box.form.requestSubmit());
    box.form.addEventListener("submit", (event) => event.preventDefault());
    box.addEventListener("change", () => { document.title = "other is " + box.checked; });
    document.querySelector("#famulus-task").insertAdjacentHTML(
      "beforeend", '<label>Made by a script <input name="made"></label>');
    </script>"""
    with serving(document(body=body, scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Other").check()
        page.get_by_label("Made by a script").fill("mine")

        page.reload()

        expect(page).to_have_title("other is true")
        expect(page.get_by_label("Made by a script")).to_have_value("mine")
        assert stub.submissions == []


def test_fields_that_scripts_write_in_place_are_sent(
    open_page: Callable[..., Any],
) -> None:
    body = """<script>document.write('<input name="written" value="1">')</script>
    <script>document.currentScript.parentNode.insertAdjacentHTML(
      "beforeend", '<input name="inserted" value="2">')</script>"""
    late = """<script>document.write('<input name="late" value="3">')</script>"""
    with serving(document(body=body, scripts=late)) as stub:
        page = open_page(stub.url)

        submit(page)

        expect(stored(page)).to_be_visible()
        (sent,) = stub.submissions
        assert [sent.get(name) for name in ("written", "inserted", "late")] == [["1"], ["2"], ["3"]]


def test_a_script_of_the_author_that_replaces_builtins_does_not_prevent_a_submission(
    open_page: Callable[..., Any],
) -> None:
    body = "<script>window.fetch = window.FormData = null;</script>" + FIELDS
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(stored(page)).to_be_visible()
        assert page.url == stub.url


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


@pytest.mark.parametrize("reset", ["", "count.value = 0;"])
def test_state_in_hidden_fields_is_restored_with_an_event(
    open_page: Callable[..., Any], reset: str
) -> None:
    script = WIDGET_SCRIPT.replace("RESET", reset)
    with serving(document(body=WIDGET.replace("FIXED", "old") + script)) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="More").click()
        kept(page, "counted to 2")
        stub.page = document(body=WIDGET.replace("FIXED", "new") + script, submission_id="second")

        # Without leaving the first page, as when the browser was killed.
        again = page.context.new_page()
        again.goto(stub.url)

        expect(again.locator("#shown")).to_have_text("2")
        assert "famulus-form" in again.evaluate("window.restored")
        again.get_by_role("button", name="More").click()
        submit(again)
        expect(stored(again)).to_be_visible()
        (sent,) = stub.submissions
        assert (sent["count"], sent["notes"]) == (["3"], ["counted to 3"])
        assert (sent["fixed"], sent["famulus_submission"]) == (["new"], ["second"])


def test_there_is_no_event_without_a_draft(
    open_page: Callable[..., Any],
) -> None:
    body = WIDGET + WIDGET_SCRIPT.replace("RESET", "count.value = 7;")
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.wait_for_load_state("load")
        page.get_by_role("button", name="More").click()

        assert page.evaluate("window.restored") is None
        assert page.evaluate("document.querySelector('[name=count]').value") == "8"


def test_fields_that_scripts_add_late_are_restored(open_page: Callable[..., Any]) -> None:
    body = """<div id="here"></div><script>
    function add(name) {
      document.querySelector("#here").insertAdjacentHTML(
        "beforeend", "<label>" + name + "<input name='" + name + "'></label>");
    }
    window.onload = () => { add("loaded"); setTimeout(() => add("later"), 200); };
    </script>"""
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("loaded").fill("one")
        page.get_by_label("later").fill("two")

        page.reload()

        expect(page.get_by_label("loaded")).to_have_value("one")
        expect(page.get_by_label("later")).to_have_value("two")
        page.reload()
        expect(page.get_by_label("later")).to_have_value("two")


def test_draft_does_not_overwrite_later_input(
    open_page: Callable[..., Any],
) -> None:
    body = """<button type="button" id="mark">Mark</button><div id="marks"></div><script>
    document.querySelector("#mark").onclick = () => {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "mark";
      MARK
      document.querySelector("#marks").append(field);
    };
    </script>"""
    with serving(
        document(body=body.replace("MARK", "setTimeout(() => (field.value = 'old'));"))
    ) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="Mark").click()
        kept(page, "old")
        stub.page = document(body=body.replace("MARK", "field.value = 'new';"))
        page.reload()

        page.get_by_role("button", name="Mark").click()
        submit(page)

        expect(stored(page)).to_be_visible()
        assert stub.submissions[0]["mark"] == ["new"]


@pytest.mark.parametrize(
    "hanging",
    [
        '<script src="/hang.js"></script>',
        '<link rel="stylesheet" href="/hang.css"><script></script>',
    ],
)
@pytest.mark.parametrize("javascript", [True, False])
def test_hanging_host_delays_neither_reading_nor_submitting(
    open_page: Callable[..., Any], hanging: str, javascript: bool
) -> None:
    with serving(document(scripts=hanging)) as stub, serving("") as cdn:
        cdn.go_on.clear()
        stub.page = stub.page.replace("/hang", f"http://127.0.0.1:{cdn.server_port}/hang")
        page = open_page(stub.url, java_script_enabled=javascript)

        page.get_by_label("Name").fill("Ann")
        page.get_by_role("button", name="Submit").click(no_wait_after=True)

        expect(stored(page)).to_be_visible()
        assert len(stub.submissions) == 1


@pytest.mark.parametrize("target", ["document.forms[0]", "document", "window"])
def test_a_submission_that_the_authors_script_prevents_is_not_sent(
    open_page: Callable[..., Any], target: str
) -> None:
    scripts = f"""<script>
    {target}.addEventListener("submit", (event) => {{
      if (document.forms[0].elements.name.value !== "Ann") event.preventDefault();
      document.title = "asked";
    }});
    </script>"""
    with serving(document(scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Bob")
        submit(page)
        expect(page).to_have_title("asked")
        assert stub.submissions == []

        page.get_by_label("Name").fill("Ann")
        submit(page)

        expect(stored(page)).to_be_visible()


def test_a_broken_script_of_the_author_does_not_prevent_a_submission(
    open_page: Callable[..., Any],
) -> None:
    scripts = """<script>
    window.fetch = window.FormData = null; var form = 1, status = 2, send = 3;
    throw new Error("author's mistake");
    </script>"""
    with serving(document(scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(stored(page)).to_be_visible()
        assert page.evaluate("[form, send]") == [1, 3]


def test_pressed_button_and_form_submit_of_a_script_are_sent(
    open_page: Callable[..., Any],
) -> None:
    body = '<button name="choice" value="left">Left</button>'
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_role("button", name="Left").click()
        expect(stored(page)).to_be_visible()

        page = open_page(stub.url)
        page.evaluate("document.forms[0].submit()")
        expect(stored(page)).to_be_visible()

        assert [sent.get("choice") for sent in stub.submissions] == [["left"], None]


def test_a_warning_about_leaving_is_shown_only_while_a_submission_is_sent(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    asked = "!window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    stub.go_on.clear()
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    assert page.evaluate(asked) is False

    submit(page)
    expect(page.get_by_role("button", name="Sending")).to_be_visible()
    assert page.evaluate(asked) is True
    stub.go_on.set()

    expect(stored(page)).to_be_visible()
    assert page.evaluate(asked) is False


def test_giving_back_is_confirmed_and_sends_no_answers(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")
    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Keep working").click()
    assert stub.received == []

    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Yes, give it back").click()

    expect(page.get_by_role("heading", name="You have given this one back")).to_be_visible()
    assert stub.received == [
        ("/give-back", {"famulus_token": ["the token"], "famulus_submission": ["first"]})
    ]


def test_the_task_after_an_onboarding_is_a_new_document(open_page: Callable[..., Any]) -> None:
    scripts = "<script>const once = 1; document.title = 'ran ' + once;</script>"
    with serving(document(onboarding=True, scripts=scripts)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        expect(page).to_have_title("ran 1")
        stub.page = document(
            info=TaskInfo(title="The task itself"),
            passed=False,
            scripts="<script>const once = 2;</script>",
        )

        submit(page)

        expect(page.get_by_role("heading", name="The task itself")).to_be_visible()
        assert page.evaluate("once") == 2


def test_page_after_a_passed_onboarding_shows_the_note_once(open_page: Callable[..., Any]) -> None:
    with serving(document(onboarding=True)) as stub:
        page = open_page(stub.url)
        page.get_by_label("Name").fill("Ann")
        hash_seen = "<script>document.title = 'hash: ' + location.hash;</script>"
        stub.page = document(passed=False, body=FIELDS + hash_seen)
        stub.replies = [(200, submit_json("stored", PASSED, ""), {})]

        submit(page)

        note = page.get_by_role("status").filter(has_text=PASSED)
        expect(note).to_be_visible()
        expect(page).to_have_title("hash: ")
        page.reload()
        expect(page.get_by_label("Name")).to_be_visible()
        expect(note).to_be_hidden()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_platforms_form_is_posted_automatically_or_by_its_button(
    stub: Stub, open_page: Callable[..., Any], javascript: bool
) -> None:
    platform = f"http://127.0.0.1:{stub.server_port}/platform"
    stub.completion = PostForm(url=platform, fields={"submit": "1", "assignmentId": "a b"})
    page = open_page(stub.url, java_script_enabled=javascript)
    page.get_by_label("Name").fill("Ann")

    submit(page)
    if not javascript:
        page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="The platform has it")).to_be_visible()
    assert stub.received[-1] == ("/platform", {"raw": ["submit=1&assignmentId=a+b"]})


@pytest.mark.parametrize("javascript", [True, False])
def test_browser_goes_to_the_providers_address(
    stub: Stub, open_page: Callable[..., Any], javascript: bool
) -> None:
    with serving("<h1>Welcome back</h1>") as platform:
        stub.completion = GoTo(url=platform.url + "&done='1'&x=\"2;3\"")
        page = open_page(stub.url, java_script_enabled=javascript)
        page.get_by_label("Name").fill("Ann")

        submit(page)

        expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_late_note_is_shown_before_the_browser_goes_on(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    stub.late = True
    stub.completion = PostForm(url=f"http://127.0.0.1:{stub.server_port}/platform", fields={})
    page = open_page(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(page.get_by_text("stored and marked late")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="The platform has it")).to_be_visible()


def test_code_is_shown_and_can_be_copied(stub: Stub, open_page: Callable[..., Any]) -> None:
    stub.completion = ShowCode(code="C7F-QX91")
    page = open_page(stub.url, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name").fill("Ann")
    submit(page)

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "C7F-QX91"


def test_the_time_left_is_shown_and_announced_until_it_is_over(
    open_page: Callable[..., Any],
) -> None:
    with serving(document(seconds_left=302)) as stub:
        page = open_page("about:blank")
        page.clock.install()
        page.goto(stub.url)
        clock, notice = page.locator("#famulus-time"), page.locator("#famulus-notice")
        expect(clock).to_have_text("6 min left")
        expect(notice).to_have_text("")

        page.clock.run_for(3_000)
        expect(clock).to_have_text("5 min left")
        expect(notice).to_have_text("5 min left")

        page.clock.run_for(240_000)
        expect(notice).to_have_text("1 min left")

        page.clock.run_for(60_000)
        expect(clock).to_contain_text("you may still submit, it will be marked late")
        page.get_by_label("Name").fill("Ann")
        submit(page)
        expect(stored(page)).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_preview_can_be_read_but_neither_filled_in_nor_sent(
    open_page: Callable[..., Any], javascript: bool
) -> None:
    body = f"<legend><input name='sly'></legend>{FIELDS}<button>Send</button>"
    with serving(preview_document(TaskInfo(title="Task"), EN, TaskPage(body=body))) as stub:
        page = open_page(stub.url, java_script_enabled=javascript)

        expect(page.get_by_text("This is a preview")).to_be_visible()
        for control in page.locator("input, select, textarea, button").all():
            expect(control).to_be_disabled()
        if javascript:
            page.evaluate("document.forms[0].submit()")
        assert stub.received == []


@pytest.mark.parametrize("width", [320, 600, 1280])
def test_page_fits_its_width_and_names_its_controls(
    stub: Stub, open_page: Callable[..., Any], width: int
) -> None:
    stub.page = document(
        info=TaskInfo(
            title="Averyveryverylongwordinthetitle" * 3,
            description="https://example.org/" + "long" * 30,
            reward="0.10 USD",
            requester="lab" * 30,
            contact="https://example.org/" + "long" * 30,
        ),
        number=UnitNumber(number=1, most=12_345),
        passed=True,
        seconds_left=1800,
    )
    page = open_page(stub.url, viewport={"width": width, "height": 500})

    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.cookie") == ""


def test_the_page_of_a_refusal_fits_its_width(open_page: Callable[..., Any]) -> None:
    message = "See https://example.org/" + "long" * 30
    refused = failed_onboarding_document("Averyverylongword" * 6, EN, message)
    with serving(refused) as stub:
        page = open_page(stub.url, viewport={"width": 320, "height": 500})

        expect(page.get_by_text(message)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_page_sends_no_further_request(stub: Stub, open_page: Callable[..., Any]) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(stub.url)
    page.wait_for_load_state("networkidle")

    assert [url for url in asked if not url.startswith("data:")] == [stub.url]


def test_answers_are_submitted_where_local_storage_is_forbidden(
    stub: Stub, open_page: Callable[..., Any]
) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})"
    )
    page.goto(stub.url)
    page.get_by_label("Name").fill("Ann")

    submit(page)

    expect(stored(page)).to_be_visible()
    assert json.loads(page.locator("#famulus-answers").inner_text())["name"] == ["Ann"]


def test_our_fields_are_no_part_of_the_form_for_scripts(open_page: Callable[..., Any]) -> None:
    script = """<input type="hidden" name="all"><script>
document.forms[0].onsubmit = function () {
  const names = [...new FormData(this).keys()].join();
  this.all.value = names + this.elements.length + this.elements[0].name;
};</script>"""
    with serving(document(body='<input name="a">' + script)) as stub:
        page = open_page(stub.url)
        submit(page)

        expect(stored(page)).to_be_visible()
        # The third is the Submit button.
        assert stub.submissions[0]["all"] == ["a,all3a"]
        assert stub.submissions[0]["famulus_token"] == ["the token"]


@pytest.mark.parametrize(
    "stop", ["stopPropagation()", "stopImmediatePropagation()", "cancelBubble = true"]
)
def test_a_stopped_event_submits_once_with_our_fields(
    open_page: Callable[..., Any], stop: str
) -> None:
    script = f"<script>document.forms[0].onsubmit = (event) => {{ event.{stop}; }}</script>"
    with serving(document(body='<input name="a" aria-label="A">' + script)) as stub:
        page = open_page(stub.url)
        page.get_by_label("A").fill("x")
        submit(page)
        page.wait_for_url("**/submit?*")

        assert [each["famulus_token"] for each in stub.submissions] == [["the token"]]
        assert stub.submissions[0]["a"] == ["x"]


@pytest.mark.parametrize("call", ["form.submit()", "HTMLFormElement.prototype.submit.call(form)"])
def test_each_way_to_submit_by_script_retries(open_page: Callable[..., Any], call: str) -> None:
    load = f"() => {{ const form = document.forms[0]; {call}; }}"
    script = f"<script>addEventListener('load', {load})</script>"
    with serving(document(body='<input name="a" value="x">' + script)) as stub:
        stub.replies = [(503, "busy", {})]
        page = open_page(stub.url)

        expect(stored(page)).to_be_visible()
        assert [each["famulus_submission"] for each in stub.submissions] == [["first"]] * 2


def test_an_element_left_open_does_not_lock_our_buttons(open_page: Callable[..., Any]) -> None:
    with serving(document(body='<div><b><input name="a" aria-label="A"><table><tr><td>x')) as stub:
        stub.replies = [(503, "busy", {})] * 8
        page = open_page(stub.url)
        page.get_by_label("A").fill("x")
        submit(page)
        page.get_by_role("button", name="Back to my answers").click()
        expect(page.get_by_label("A")).to_be_enabled()
        stub.replies = []
        submit(page)

        expect(stored(page)).to_be_visible()
        assert stub.submissions[-1]["a"] == ["x"]


def test_a_page_that_clears_the_storage_loses_no_draft(open_page: Callable[..., Any]) -> None:
    body = '<input name="a" aria-label="A"><script>localStorage.clear()</script>'
    with serving(document(body=body)) as stub:
        page = open_page(stub.url)
        page.get_by_label("A").fill("kept")
        kept(page, "kept")
        for _ in range(2):
            page.reload()
            expect(page.get_by_label("A")).to_have_value("kept")


def test_listeners_for_all_buttons_are_not_for_give_back(open_page: Callable[..., Any]) -> None:
    script = """<script>addEventListener("load", () => {
  window.clicked = 0;
  const count = () => { clicked += 1; };
  document.querySelectorAll("button").forEach((each) => each.addEventListener("click", count));
  document.addEventListener("click", count, true);
})</script>"""
    with serving(document(body="<input name=a>" + script)) as stub:
        page = open_page(
            stub.url,
        )
        page.get_by_role("button", name="Give back", exact=True).click()

        expect(page.get_by_role("button", name="Yes, give it back")).to_be_visible()
        assert page.evaluate("clicked") == 0
        assert stub.submissions == []
