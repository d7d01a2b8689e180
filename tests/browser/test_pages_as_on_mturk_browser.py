"""Each page of ``as_on_mturk/`` sends the same names and values as on MTurk, in the same order.

A page is one HTML file whose first comment describes it. A line ``steps: …`` in it lists
what the worker does where that is not ``fill; submit``; see ``page_steps``. A
line ``copies: …`` names the fields that only copy the visit's values, which are no
answers here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from attrs import Factory, define, evolve

import famulus
from mturk_pages import MTurkPage, Sent, both_servers
from page_steps import take_step

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).with_name("as_on_mturk")
FILES = FOLDER / "files"
PAGES = [MTurkPage.read(path) for path in sorted(FOLDER.glob("*.html"))]
#: The address that stands for another host in pages.
CDN = "https://cdn.example/"


@define
class Tabs:
    """One tab with scripts and one without, since Chromium starts a process for each."""

    browser: Any
    _open: dict[bool, Any] = Factory(dict)

    @contextmanager
    def use(self, *, scripts: bool) -> Iterator[Any]:
        """Return a tab for one test. One that a test has failed in is not used again."""
        tab = self._open.pop(scripts, None) or self._new(scripts)
        try:
            yield tab
        except BaseException:
            tab.context.close()
            raise
        self._open[scripts] = tab

    def close(self) -> None:
        """Close all tabs."""
        for tab in self._open.values():
            tab.context.close()

    def _new(self, scripts: bool) -> Any:
        context = self.browser.new_context(java_script_enabled=scripts)
        context.route(CDN + "**", _from_files)
        context.set_default_timeout(15_000)
        return context.new_page()


@pytest.fixture(scope="module")
def tabs(browser: Any) -> Iterator[Tabs]:
    tabs = Tabs(browser)
    yield tabs
    tabs.close()


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_page_sends_what_it_sends_on_mturk(page: MTurkPage, tabs: Tabs, tmp_path: Path) -> None:
    there, here = _sent_by_both(page, tabs, tmp_path)

    assert here == there
    assert there, "the page sends nothing, so the comparison proves nothing"


PLAIN = [page for page in PAGES if not page.has_code]


@pytest.mark.parametrize("page", PLAIN, ids=[page.name for page in PLAIN])
def test_page_without_scripts_needs_no_javascript(
    page: MTurkPage, tabs: Tabs, tmp_path: Path
) -> None:
    there, here = _sent_by_both(page, tabs, tmp_path, scripts=False)

    assert here == there


_WESTERN = """<meta charset="windows-1252">
<p>“Où est-ce ?” €5 ${text}</p><input name="réponse" aria-label="Réponse">
<label><input type="radio" name="größe" value="groß, sehr">groß</label>
<input type="hidden" name="écho" value="“${text}” ŒŠž"><input type="hidden" name="made">
<script>document.getElementsByName("made")[0].value = "ça: ${text}…";</script>
"""
_JAPANESE = """<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">
<p>日本語 ${text}</p><input name="回答" aria-label="回答"><select name="評価">
<option value="はい">はい<option value="いいえ―表示">いいえ</select>
<input type="hidden" name="ソ能" value="${text} 十ー"><input type="hidden" name="作成">
<script>document.getElementsByName("作成")[0].value = "ﾊﾝｶｸ ${text}";</script>
"""
_QUESTION = """<form name="mturk_form" method="post" id="mturk_form"
action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" value="" name="assignmentId" id="assignmentId">
<p>R&amp;D &lt; 日本 ${text}</p><textarea name="réponse" aria-label="A"></textarea>
<input type="hidden" name="escaped" value="R&amp;D &quot;x&quot; &amp;lt;"><input type="submit">
<script>if (1 < 2 && true) document.write('<input type="hidden" name="made" value="a & b">');
</script></form>
"""
_SCHEMA = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"
)
_WRAPPER = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<HTMLQuestion xmlns="{_SCHEMA}">\n'
    "  <HTMLContent>HERE</HTMLContent>\n  <FrameHeight>600</FrameHeight>\n</HTMLQuestion>\n"
)
_QUESTIONS = {
    "cdata": _WRAPPER.replace("HERE", f"<![CDATA[\n{_QUESTION}]]>"),
    "escaped": _WRAPPER.replace("HERE", escape(_QUESTION, quote=False)),
}


@pytest.mark.parametrize(
    ("html", "encoding"),
    [
        (_WESTERN, "windows-1252"),
        (_WESTERN.replace("windows-1252", "iso-8859-1"), "windows-1252"),
        (_JAPANESE, "shift_jis"),
        (_JAPANESE.replace("Shift_JIS", "x-sjis"), "shift_jis"),
        (_JAPANESE.replace("Shift_JIS", "euc-jp"), "euc-jp"),
        (_JAPANESE + _WESTERN, "utf-16"),
        (_JAPANESE + _WESTERN, "utf-16-be"),
        (_JAPANESE + _WESTERN, "utf-8-sig"),
    ],
)
def test_page_in_another_encoding_sends_what_it_sends_on_mturk(
    html: str, encoding: str, tabs: Tabs, tmp_path: Path
) -> None:
    """An author's editor reads the file for MTurk, which stores the page as text."""
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    there, here = _sent_of_file(html, (mark + html).encode(encoding), tabs, tmp_path)

    assert here == there
    assert "Where is it?" in dict(here).get("作成", dict(here).get("made", ""))


@pytest.mark.parametrize("written", _QUESTIONS)
def test_page_out_of_an_html_question_sends_what_it_sends_on_mturk(
    written: str, tabs: Tabs, tmp_path: Path
) -> None:
    question = _QUESTIONS[written].encode()
    html = ElementTree.fromstring(question).findtext(f"{{{_SCHEMA}}}HTMLContent")
    assert html is not None

    there, here = _sent_of_file(html, question, tabs, tmp_path)

    assert here == there
    assert ("escaped", 'R&D "x" &lt;') in here
    assert ("made", "a & b") in here


def _sent_of_file(html: str, data: bytes, tabs: Tabs, folder: Path) -> list[Sent]:
    """Return what is sent where MTurk has ``html`` and Famulus reads a file with ``data``."""
    file = folder / "page.html"
    file.write_text(f"<!-- A page. -->\n{html}", encoding="utf-8")
    page = MTurkPage.read(file)
    file.write_bytes(data)
    return _sent_by_both(evolve(page, read_here=famulus.read_html(file)), tabs, folder)


WAITING = """<!-- Libraries of another host, and a button that a script enables without them. -->
<link rel="stylesheet" href="https://cdn.example/bootstrap.css">
<script src="https://cdn.example/jquery.js"></script>
<script src="https://cdn.example/bootstrap.js"></script>
<input name="text" aria-label="Text">
<script>document.write('<input name="written" value="w">');</script>
<input type="submit" id="go" value="Send" disabled>
<script>
document.getElementsByName("text")[0].oninput = function () {
  document.getElementById("go").disabled = !this.value;
};
</script>
<script>$(".btn").hide();</script>
"""


def test_a_host_that_never_answers_keeps_no_worker_from_the_page(
    browser: Any, tmp_path: Path
) -> None:
    file = tmp_path / "waiting.html"
    file.write_text(WAITING, encoding="utf-8")
    context = browser.new_context()
    context.route(CDN + "**", lambda route: None)
    context.set_default_timeout(15_000)
    try:
        with both_servers(MTurkPage.read(file), FILES) as server:
            tab = context.new_page()
            tab.clock.install()
            tab.goto(server.url("here"), wait_until="commit")
            tab.get_by_label("Text").fill("words")
            tab.locator("#go").click(no_wait_after=True)
            assert tab.locator("#go").get_attribute("aria-busy") == "true"
            assert server.received.empty()
            tab.clock.fast_forward(20_000)

            assert server.received.get(timeout=15) == [("text", "words"), ("written", "w")]
            tab.get_by_text("Stored", exact=True).wait_for()
    finally:
        context.close()


LATE = """<!-- Validation with a library that comes late, and with a template literal. -->
<script src="https://cdn.example/query.js"></script>
<input name="text" aria-label="Text"><input name="other" aria-label="Other">
<input type="hidden" name="presses" value="0"><script>
var form = document.forms[0];
form.addEventListener("submit", function (event) {
  if (form.other.value) return;
  event.preventDefault();
  document.title = `${"other"} is missing`;
});
</script>
<script>
$("#submitButton").click(function () {
  form.presses.value++;
  return $("[name=text]").val() !== "";
});
</script>
"""


def test_validation_that_waits_for_another_host_is_not_passed(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "late.html"
    file.write_text(LATE, encoding="utf-8")
    context = browser.new_context()
    requested: list[Any] = []
    context.route(CDN + "**", lambda route: requested.append(route))
    context.set_default_timeout(15_000)
    try:
        with both_servers(MTurkPage.read(file), FILES) as server:
            tab = context.new_page()
            tab.goto(server.url("here"), wait_until="commit")
            button = tab.locator("#submitButton")
            button.click(no_wait_after=True)
            assert button.get_attribute("aria-busy") == "true"
            _from_files(requested[0])
            tab.wait_for_function("form.presses.value === '1'")
            tab.get_by_label("Text").fill("words")
            button.click()
            assert tab.title() == "other is missing"
            tab.get_by_label("Other").fill("more")
            assert server.received.empty()
            button.click()

            answers = [("text", "words"), ("other", "more"), ("presses", "3")]
            assert server.received.get(timeout=15) == answers
    finally:
        context.close()


def test_fields_of_all_forms_are_sent_without_scripts(browser: Any) -> None:
    page = next(page for page in PAGES if page.name == "form_of_two_chosen")
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(15_000)
    try:
        with both_servers(page, FILES) as server:
            tab = context.new_page()
            tab.goto(server.url("here"))
            tab.locator("[name=no]").fill("because")
            tab.locator("#second").click()

            assert server.received.get(timeout=15) == [
                ("yes", "y"),
                ("no", "because"),
                ("sure", "on"),
                ("which", "2"),
            ]
    finally:
        context.close()


VISITED = """<!-- A hidden field for the visit, as all pages for MTurk have. -->
<form action="https://www.mturk.com/mturk/externalSubmit">
<input type="hidden" name="assignmentId" value=""><input name="text" aria-label="Text">
</form>
<script>
document.addEventListener("famulus:restored", function () { document.title = "restored"; });
</script>
"""


def test_a_field_that_is_filled_with_the_visit_is_no_draft(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "visited.html"
    file.write_text(VISITED, encoding="utf-8")
    context = browser.new_context()
    context.set_default_timeout(15_000)
    try:
        with both_servers(MTurkPage.read(file), FILES) as server:
            tab = context.new_page()
            for _ in range(2):
                tab.goto(server.url("here"))
                tab.wait_for_function("document.forms[0].assignmentId.value === '3ABC'")
            assert tab.title() == "Task"
            assert tab.evaluate("() => Object.values(localStorage)") == []

            tab.get_by_label("Text").fill("words")
            tab.goto(server.url("here"))
            tab.wait_for_function("document.title === 'restored'")
            assert tab.get_by_label("Text").input_value() == "words"
    finally:
        context.close()


def test_there_are_enough_pages_with_and_without_scripts() -> None:
    assert len(PAGES) >= 60
    assert len(PAGES) - len(PLAIN) >= 40
    assert len(PLAIN) >= 5


def _sent_by_both(page: MTurkPage, tabs: Tabs, folder: Path, *, scripts: bool = True) -> list[Sent]:
    sent = []
    with both_servers(page, FILES) as server, tabs.use(scripts=scripts) as tab:
        for side in ("mturk", "here"):
            tab.goto(server.url(side))
            for step in page.steps:
                take_step(tab, step, folder)
            sent.append(server.received.get(timeout=15))
            # Chromium may never leave a page that is just being replaced.
            tab.get_by_text("Stored", exact=True).wait_for()
            # Both sides have one origin.
            tab.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    return sent


def _from_files(route: Any) -> None:
    file = FILES / route.request.url.rpartition("/")[2]
    kind = "text/css" if file.suffix == ".css" else "text/javascript"
    route.fulfill(body=file.read_text(encoding="utf-8"), content_type=kind)
