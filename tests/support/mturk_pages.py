"""Serve an author's page as MTurk does and as Famulus does, and keep what browsers send of it.

MTurk substitutes the values as they are and puts the page inside its form; a page that brings a
form to submit to MTurk is served as it is. The visit's values are in the address there. MTurk takes
``assignmentId`` out of the answers; our fields beside the answers are left out here.
"""

from __future__ import annotations

import mimetypes
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from attrs import Factory, frozen

from famulus.contracts.views import Form
from famulus.engine.pages import (
    SUBMISSION_FIELD,
    TOKEN_FIELD,
    TaskFrame,
    TaskInfo,
    TaskLayout,
    submit_json,
    task_document,
)
from famulus.translation import ENGLISH, Translator
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.page import compile_page
from famulus_static_html.values import VISIT

EN = Translator(ENGLISH)

#: What a browser sends: names and values in their order; a file is its name.
Sent = list[tuple[str, str]]
#: What every page's placeholders stand for.
VALUES = {
    "text": "Where is it?",
    "number": "7",
    "name": "q1",
    "question": "<b>Where</b> is &quot;it&quot;?",
    "fields": '<label><input type="checkbox" name="k" value="1"> one</label>'
    '<label><input type="checkbox" name="k" value="2"> two</label><textarea name="w"></textarea>',
    "options": "<option>a</option><option>b &amp; c</option>",
    "items": '["x", "y", "z"]',
    "checked": "checked",
    "unchecked": "",
    "selected": 'selected="selected"',
    "disabled": "Disabled=true",
    "code": "add('&quot;a&quot; &lt; b'); void 0",
    "bare_code": "add(this.value)",
    "file": "little.js",
    "tag": "em",
    "parameters": "a=1&b=a%20b+c#d",
    "encoded": "caf%C3%A9%20%26",
    "picture": "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=",
    "bucket": "s3://bucket/a b.png",
}

#: The visit on both sides.
VISIT_VALUES = {"assignmentId": "3ABC", "hitId": "3XYZ", "workerId": "A1 B&2"}

_COMMENT = re.compile(r"\A<!--(.*?)-->\s*", re.DOTALL)
_STEPS = re.compile(r"^\s*steps: (.*)$", re.MULTILINE)
_COPIES = re.compile(r"^\s*copies: (.*?)\s*$", re.MULTILINE)
_NO_MARKUP = re.compile(
    r"<!--.*?-->|<(script|style|template)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE
)
_FORM_TO_MTURK = re.compile(r"<form\b[^>]*externalSubmit", re.IGNORECASE)
_SUBMIT = '<p><input type="submit" id="submitButton" value="Submit"/></p>'
_OWN_SUBMIT = re.compile(r"<(?:input|button)\b[^>]*type=[\"']?(?:submit|image)", re.IGNORECASE)
_MTURK = "https://www.mturk.com/mturk/externalSubmit"
_AROUND = """<!DOCTYPE html>
<html><head><title>HIT</title><meta charset="utf-8"></head><body>
<form name="mturk_form" method="post" id="mturk_form" action="externalSubmit"><input type="hidden"
value="{assignment}" name="assignmentId" id="assignmentId"/>
{page}
{submit}</form></body></html>
"""


@frozen
class MTurkPage:
    """A page for tests. Its first comment describes it and, in a line ``steps: …``, what
    a worker does with it.
    """

    name: str
    html: str
    steps: tuple[str, ...]
    #: whether its author trusts the values
    trusted: bool
    #: fields that only copy the visit's values, which are no answers here
    copies: frozenset[str]
    #: what its placeholders stand for
    values: Mapping[str, str] = Factory(lambda: VALUES)
    #: what Famulus reads from the author's file, where that is not ``html`` in UTF-8
    read_here: str | None = None

    @classmethod
    def read(cls, path: Path, values: Mapping[str, str] = VALUES) -> MTurkPage:
        """Read a page from its file."""
        text = path.read_text(encoding="utf-8")
        comment = _COMMENT.match(text)
        assert comment is not None, f"{path} has to begin with a comment"
        steps = _STEPS.search(comment[1])
        copies = _COPIES.search(comment[1])
        written = steps[1] if steps else "fill; submit"
        return cls(
            name=path.stem,
            html=text[comment.end() :],
            steps=tuple(map(str.strip, written.split(";"))),
            trusted="trust_data" in comment[1],
            copies=frozenset(copies[1].split() if copies else ()),
            values=values,
        )

    @property
    def has_form(self) -> bool:
        """Whether MTurk would serve it without a form around it.

        Any other form is inside MTurk's, where browsers ignore its start tag.
        """
        return _FORM_TO_MTURK.search(_NO_MARKUP.sub("", self.html)) is not None

    @property
    def has_code(self) -> bool:
        """Whether it needs JavaScript."""
        return re.search(r"<script|\son\w+=", self.html, re.IGNORECASE) is not None

    def as_on_mturk(self, address: str) -> str:
        """Return the document that MTurk would serve, with the address of its own form."""
        page = self.html
        for name, value in self.values.items():
            page = page.replace(f"${{{name}}}", value).replace(f"${{{name}|raw}}", value)
        return page.replace(_MTURK, address) if self.has_form else _in_form(page)

    @property
    def compiled(self) -> CompiledPage:
        """The page as Famulus compiles it."""
        html = self.html if self.read_here is None else self.read_here
        return compile_page(html, trusted=self.trusted)

    def as_here(self) -> str:
        """Return the document that Famulus serves."""
        compiled = self.compiled
        faults = [str(problem) for problem in compiled.problems if not problem.warning]
        assert not faults, faults
        return task_document(
            TaskLayout.of(TaskInfo(title="Task"), EN, is_onboarding=False),
            TaskFrame(
                page=compiled.render({**self.values, VISIT: tuple(VISIT_VALUES.values())}),
                token="the token",
                ticket="the-ticket",
                submission_id="first",
                storage_key="agent-1",
                seconds_left=None,
            ),
        )


class BothServers(ThreadingHTTPServer):
    """Serves one page below ``/mturk/`` and ``/here/``, with the files beside it."""

    daemon_threads = True

    def __init__(self, page: MTurkPage, files: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self.files = files
        self.documents = {
            "/mturk/": page.as_on_mturk(self.url("mturk/externalSubmit")),
            "/here/": page.as_here(),
        }
        self.received: SimpleQueue[Sent] = SimpleQueue()

    def url(self, side: str) -> str:
        """Return the address of the page on one side, or of MTurk's form."""
        site = f"http://127.0.0.1:{self.server_port}"
        if side == "mturk/externalSubmit":
            return f"{site}/{side}"
        visit = urlencode({**VISIT_VALUES, "turkSubmitTo": site}, quote_via=quote)
        return f"{site}/{side}/" + (f"?{visit}" if side == "mturk" else "")


@contextmanager
def both_servers(page: MTurkPage, files: Path) -> Iterator[BothServers]:
    """Serve a page for the length of a ``with`` block."""
    server = BothServers(page, files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: BothServers

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        document = self.server.documents.get(path)
        if document is not None:
            self._answer("text/html; charset=utf-8", document)
            return
        # Pages with a <base> ask for the files elsewhere.
        nested = self.server.files / unquote(path.split("/", 2)[-1])
        file = nested if nested.is_file() else self.server.files / path.rpartition("/")[2]
        kind, _ = mimetypes.guess_type(file.name)
        self._answer(kind or "text/plain", file.read_bytes() if file.is_file() else b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = _fields(self.headers, body)
        page = self.server.page
        if self.path == "/here/submit?ticket=the-ticket":
            ours = (TOKEN_FIELD, SUBMISSION_FIELD)
            assert sorted(name for name, _ in sent if name in ours) == sorted(ours)
            form = Form(fields=[pair for pair in sent if pair[0] not in ours])
            self.server.received.put(list(page.compiled.mturk.answers(form).fields))
            as_json = self.headers["Accept"] == "application/json"
            stored = "<p>Stored</p>"
            if as_json:
                self._answer("application/json", submit_json("stored", "", stored))
                return
        else:
            left_out = {"assignmentId", *page.copies}
            self.server.received.put([pair for pair in sent if pair[0] not in left_out])
        self._answer("text/html", "<p>Stored</p>")

    def _answer(self, kind: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.send_response(200)
        for name, value in _headers(kind, len(data)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _headers(kind: str, length: int) -> Mapping[str, str]:
    return {"Content-Type": kind, "Content-Length": str(length), "Cache-Control": "no-store"}


def _in_form(page: str) -> str:
    submit = "" if _OWN_SUBMIT.search(page) else _SUBMIT
    around = _AROUND.replace("{assignment}", VISIT_VALUES["assignmentId"])
    return around.replace("{submit}", submit).replace("{page}", page)


def _fields(headers: Message, body: bytes) -> Sent:
    if not headers["Content-Type"].startswith("multipart/"):
        return parse_qsl(body.decode(), keep_blank_values=True)
    boundary = str(headers.get_param("boundary")).encode()
    parts = body.split(b"--" + boundary)[1:-1]
    return [_part(part.removeprefix(b"\r\n").removesuffix(b"\r\n")) for part in parts]


def _part(part: bytes) -> tuple[str, str]:
    head, _, content = part.partition(b"\r\n\r\n")
    disposition = head.decode()
    name = re.search(r'; name="([^"]*)"', disposition)
    file = re.search(r'; filename="([^"]*)"', disposition)
    assert name is not None, disposition
    return _unquoted(name[1]), _unquoted(file[1]) if file else content.decode()


def _unquoted(text: str) -> str:
    """Undo what browsers do to names in multipart forms."""
    return text.replace("%22", '"').replace("%0D%0A", "\r\n")
