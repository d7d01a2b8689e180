"""A run behind a reverse proxy with HTTPS, below a path of its own, as docs/how-to/public.md
describes it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus import Database, export_records
from famulus.testing.command import Command, famulus_command
from free_ports import free_port
from tls_proxy import Proxy, tls_proxy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

EXAMPLES = Path(__file__).resolve().parents[2] / "sdk_examples"
SIMPLE = EXAMPLES / "simple_static_task/conf/example.yaml"
FIRST, SECOND = "/study1/", "/study2/"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with tls_proxy({FIRST: free_port(), SECOND: free_port()}, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


@contextmanager
def launched(proxy: Proxy, database: Path, prefix: str = FIRST) -> Iterator[Command]:
    options = [
        f"architect.port={proxy.ports[prefix]}",
        f"architect.public_url={proxy.origin}{prefix}",
    ]
    with famulus_command("launch", SIMPLE, *options, database=database) as command:
        assert command.url() == f"{proxy.origin}{prefix}"
        yield command


def rate(page: Page, rating: str) -> None:
    page.select_option("select[name=rating]", rating)
    page.click("#famulus-submit")
    page.get_by_text("Your answers are stored").wait_for()


@pytest.mark.parametrize("streams", [False, True])
def test_workers_submit_over_https_below_a_path(
    page: Page, proxy: Proxy, tmp_path: Path, streams: bool
) -> None:
    proxy.streams = streams
    drawing = tmp_path / "drawing.bin"
    drawing.write_bytes(os.urandom(3_000_000))
    asked, faults = list[str](), list[int]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda reply: faults.append(reply.status) if reply.status > 399 else None)
    with launched(proxy, tmp_path / "f.db"):
        page.goto(f"{proxy.origin}{FIRST.rstrip('/')}")
        page.get_by_text("This is a preview").wait_for()
        page.goto(f"{proxy.origin}{FIRST}?worker_id=x&assignment_id=1")
        page.set_input_files("input[name=file1]", drawing)
        rate(page, "good")
        page.get_by_role("link", name="Next unit").click()
        rate(page, "bad")
        page.get_by_text("You have done all there is for you").wait_for()

    own = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert all(url.startswith(f"{proxy.origin}{FIRST.rstrip('/')}") for url in own)
    assert [status for status in faults if status not in (403, 409)] == []
    with Database(tmp_path / "f.db") as database:
        records = list(export_records(database, run=1))
    [file] = [file for record in records for file in record["files"]]
    assert file["sha256"] == hashlib.sha256(drawing.read_bytes()).hexdigest()
    assert len(records) == 2


def test_forms_are_submitted_without_scripts(
    browser: Browser, proxy: Proxy, tmp_path: Path
) -> None:
    with (
        launched(proxy, tmp_path / "f.db"),
        browser.new_context(java_script_enabled=False, ignore_https_errors=True) as context,
    ):
        page = context.new_page()
        page.goto(f"{proxy.origin}{FIRST}?worker_id=x&assignment_id=1")
        page.select_option("select[name=rating]", "good")
        page.click("#famulus-submit")
        assert '"rating": "good"' in page.locator("pre").inner_text()

        page.get_by_role("link", name="Next unit").click()

        assert page.url.startswith(f"{proxy.origin}{FIRST}?")
        assert page.locator("select[name=rating]").is_enabled()


def test_answers_wait_while_the_proxy_finds_no_server(
    page: Page, proxy: Proxy, tmp_path: Path
) -> None:
    database = tmp_path / "f.db"
    with launched(proxy, database) as launch:
        page.goto(f"{proxy.origin}{FIRST}?worker_id=x&assignment_id=1")
        page.select_option("select[name=rating]", "good")
        launch.kill()

    page.click("#famulus-submit")
    page.get_by_text("not answering").wait_for()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.url() == f"{proxy.origin}{FIRST}"
        page.get_by_text("Your answers are stored").wait_for(timeout=30_000)


def test_two_runs_of_one_host_do_not_share_drafts(page: Page, proxy: Proxy, tmp_path: Path) -> None:
    with launched(proxy, tmp_path / "a.db"), launched(proxy, tmp_path / "b.db", SECOND):
        page.goto(f"{proxy.origin}{FIRST}?worker_id=x&assignment_id=1")
        page.fill("textarea[name=comment]", "half a thought")
        page.reload()
        kept = page.input_value("textarea[name=comment]")

        page.goto(f"{proxy.origin}{SECOND}?worker_id=x&assignment_id=1")

        assert kept == "half a thought"
        assert page.input_value("textarea[name=comment]") == ""


def test_the_proxy_can_reuse_its_connections(proxy: Proxy, tmp_path: Path) -> None:
    with launched(proxy, tmp_path / "f.db"):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.ports[FIRST], timeout=30)
        for path in ("/", "/healthz", "/nothing-here", "/?worker_id=x&assignment_id=1", "/submit"):
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            assert not reply.will_close
        connection.close()


def test_forwarded_headers_are_ignored(proxy: Proxy, tmp_path: Path) -> None:
    """No header changes an address or a link."""
    lies = {
        "Host": "evil.invalid",
        "Forwarded": "for=6.6.6.6;host=evil.invalid;proto=ftp",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.invalid",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "ftp",
        "X-Forwarded-Server": "evil.invalid",
        "X-Original-URL": "/evil",
        "X-Real-IP": "6.6.6.6",
        "X-Rewrite-URL": "/evil",
        "X-Script-Name": "/evil",
    }
    paths = ("/", "/?worker_id=x&assignment_id=1", "/submit", "/no-such", "//evil", "/healthz")
    with launched(proxy, tmp_path / "f.db"):
        for path in paths:
            plain, lied = (ask(proxy.ports[FIRST], path, each) for each in ({}, lies))
            assert plain[0] == lied[0]
            assert plain[1].keys() == lied[1].keys()
            assert not re.search(r"evil\.invalid|6\.6\.6\.6|ftp:", json.dumps(lied))


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, dict(reply.getheaders()), text
