"""The site for workers over HTTP, and the task in its frame over HTTPS."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import EXTERNAL, Account, FakeMTurk, Fault, make_certificate
from famulus_mturk.fake.listening import Handler, Listener

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Launch = Callable[..., dict[str, Any]]


class Visitor:
    """A browser without eyes: cookies, redirects, forms."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> tuple[int, str]:
        return self._read(self.site + path, None)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        return self._read(self.site + path, urlencode(fields).encode())

    def _read(self, url: str, data: bytes | None) -> tuple[int, str]:
        try:
            with self._opener.open(url, data) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def visitor(sandbox: Account) -> Visitor:
    """A worker who is signed in as A1."""
    visitor = Visitor(sandbox.worker_url)
    visitor.post("/sign-in", worker_id="A1")
    return visitor


def frame_parameters(page: str) -> dict[str, str]:
    """Return the parameters of the address in the page's frame."""
    found = re.search(r'<iframe title="HIT" src="([^"]+)"', page)
    assert found is not None
    query = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    return {name: values[0] for name, values in query.items()}


def test_a_worker_finds_previews_accepts_and_submits(
    visitor: Visitor, client: Any, launch: Launch
) -> None:
    hit = launch()
    _, home = visitor.get("/")
    _, preview = visitor.get(f"/mturk/preview?groupId={hit['HITGroupId']}")
    _, task = visitor.post(f"/projects/{hit['HITGroupId']}/tasks/accept")
    given = frame_parameters(task)

    posted = visitor.post("/mturk/externalSubmit", assignmentId=given["assignmentId"], label="cat")

    assert "Label a picture" in home
    assert frame_parameters(preview)["assignmentId"] == "ASSIGNMENT_ID_NOT_AVAILABLE"
    assert (given["workerId"], given["hitId"]) == ("A1", hit["HITId"])
    assert given["turkSubmitTo"] == visitor.site
    assert posted[0] == 200
    assert "successfully submitted" in posted[1]
    [found] = client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    assert "<QuestionIdentifier>label</QuestionIdentifier><FreeText>cat" in found["Answer"]


def test_a_worker_gives_a_hit_back(
    visitor: Visitor, launch: Launch, status: Callable[..., Any]
) -> None:
    hit = launch()
    _, task = visitor.post(f"/projects/{hit['HITGroupId']}/tasks/accept")
    queued = visitor.get("/")[1]

    _, home = visitor.post(f"/tasks/{frame_parameters(task)['assignmentId']}/return")

    assert frame_parameters(task)["assignmentId"] in queued
    assert "Empty" in home
    assert status(hit) == ("Assignable", 0, 1, 0)


def test_an_accepted_hit_has_a_page_of_its_own_for_its_worker_alone(
    sandbox: Account, visitor: Visitor, launch: Launch
) -> None:
    hit = launch()
    group = hit["HITGroupId"]
    given = frame_parameters(visitor.post(f"/projects/{group}/tasks/accept")[1])
    other = Visitor(sandbox.worker_url)
    other.post("/sign-in", worker_id="A2")
    path = f"/projects/{group}/tasks/{hit['HITId']}?assignment_id={given['assignmentId']}"

    code, page = visitor.get(path)

    assert code == 200
    assert frame_parameters(page) == given
    assert ">Return<" in page
    assert given["assignmentId"] in visitor.get("/tasks")[1]
    assert "You have not accepted this HIT." in other.get(path)[1]
    assert "You have not accepted" in visitor.get(path.replace(hit["HITId"], "3OTHER"))[1]


def test_a_stranger_previews_and_cannot_accept(sandbox: Account, launch: Launch) -> None:
    stranger, hit = Visitor(sandbox.worker_url), launch()

    code, preview = stranger.get(f"/projects/{hit['HITGroupId']}/tasks")
    refused = stranger.post(f"/projects/{hit['HITGroupId']}/tasks/accept")

    assert code == 200
    assert "workerId" not in frame_parameters(preview)
    assert refused[0] == 400
    assert "Sign in first." in refused[1]


def test_a_form_that_comes_too_late_or_twice_gets_an_error_page(
    visitor: Visitor, launch: Launch, clock: MovableClock
) -> None:
    group = launch(MaxAssignments=1)["HITGroupId"]
    given = frame_parameters(visitor.post(f"/projects/{group}/tasks/accept")[1])
    form = {"assignmentId": given["assignmentId"], "x": "1"}
    clock.advance(600)
    late = visitor.post("/mturk/externalSubmit", **form)
    visitor.post(f"/projects/{group}/tasks/accept")
    visitor.post("/mturk/externalSubmit", **form)

    twice = visitor.post("/mturk/externalSubmit", **form)

    assert late[0] == twice[0] == 400
    assert "its time ran out" in late[1]
    assert "already submitted" in twice[1]


def test_a_form_of_another_workers_assignment_is_refused(
    sandbox: Account, visitor: Visitor, launch: Launch
) -> None:
    shown = sandbox.worker("A2").accept(launch()["HITGroupId"])

    code, page = visitor.post("/mturk/externalSubmit", assignmentId=shown.assignment_id, x="1")

    assert code == 400
    assert "You have not accepted this HIT." in page


def test_a_form_may_come_from_a_browser_without_cookies(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    hit = launch()
    shown = sandbox.worker("A2").accept(hit["HITGroupId"])

    Visitor(sandbox.worker_url).post(
        "/mturk/externalSubmit", assignmentId=shown.assignment_id, x="1"
    )

    assert client.list_assignments_for_hit(HITId=hit["HITId"])["NumResults"] == 1


@pytest.mark.parametrize(
    ("fault", "expected", "submitted"),
    [
        (Fault.FAIL, 503, False),
        (Fault.FAIL_AFTER, 503, True),
        (Fault.LOSE_REPLY, None, True),
        (Fault.TWICE, 400, True),
    ],
)
def test_faults_apply_to_submissions_too(
    sandbox: Account,
    client: Any,
    launch: Launch,
    fault: Fault,
    expected: int | None,
    submitted: bool,
) -> None:
    hit = launch()
    shown = sandbox.worker("A1").accept(hit["HITGroupId"])
    sandbox.faults.plan(fault, "externalSubmit")
    browser, form = Visitor(sandbox.worker_url), {"assignmentId": shown.assignment_id, "x": "1"}

    if expected is None:
        with pytest.raises(http.client.RemoteDisconnected):
            browser.post("/mturk/externalSubmit", **form)
    else:
        assert browser.post("/mturk/externalSubmit", **form)[0] == expected

    listed = client.list_assignments_for_hit(HITId=hit["HITId"])["NumResults"]
    assert listed == int(submitted)


def test_faults_of_any_operation_are_the_requesters_alone(sandbox: Account, launch: Launch) -> None:
    shown = sandbox.worker("A1").accept(launch()["HITGroupId"])
    sandbox.faults.plan(Fault.FAIL)

    code, _ = Visitor(sandbox.worker_url).post(
        "/mturk/externalSubmit", assignmentId=shown.assignment_id, x="1"
    )

    assert code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/projects/3NONE/tasks", "/tasks/3NONE"])
def test_an_unknown_address_gets_an_error_page(visitor: Visitor, path: str) -> None:
    code, page = visitor.get(path)

    assert code in (400, 404)
    assert 'role="alert"' in page


class Task(Handler):
    """A requester's page that lets MTurk alone frame it and posts its form back there."""

    ancestor = ""

    def get(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        page = (
            f'<form method="post" action="{query["turkSubmitTo"]}/mturk/externalSubmit">'
            f'<input type="hidden" name="assignmentId" value="{query["assignmentId"]}">'
            '<label>Animal <input name="animal"></label><button>Send</button></form>'
        )
        policy = ("Content-Security-Policy", f"frame-ancestors {self.ancestor}")
        self.send(HTTPStatus.OK, "text/html", page, [policy])


@pytest.fixture
def served_task(tmp_path: Path, clock: MovableClock) -> Iterator[tuple[FakeMTurk, str]]:
    """A fake with HTTPS for workers, and the address of a task beside it."""
    certificate = make_certificate(tmp_path)
    with FakeMTurk(clock, certificate=certificate) as mturk:
        handler = type("Framed", (Task,), {"ancestor": mturk.sandbox.worker_url})
        server = Listener(handler, certificate=certificate)
        with server.serving():
            yield mturk, server.origin


@pytest.mark.browser
def test_a_task_is_done_in_a_frame_over_https(
    served_task: tuple[FakeMTurk, str], browser: Browser, launch: Launch
) -> None:
    mturk, task_url = served_task
    client = mturk.sandbox.client()
    hit = launch(
        via=client,
        Question=(
            f'<ExternalQuestion xmlns="{EXTERNAL}"><ExternalURL>{task_url}/</ExternalURL>'
            "<FrameHeight>400</FrameHeight></ExternalQuestion>"
        ),
    )
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()

    page.goto(mturk.sandbox.worker_url)
    page.get_by_label("Worker ID").fill("A1")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Label a picture").click()
    page.get_by_role("button", name="Accept").click()
    frame = page.frame_locator("iframe")
    frame.get_by_label("Animal").fill("cat")
    frame.get_by_role("button", name="Send").click()
    frame.get_by_text("successfully submitted").wait_for()

    context.close()
    [found] = client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    client.close()
    assert found["WorkerId"] == "A1"
    assert "<FreeText>cat</FreeText>" in found["Answer"]


def test_the_site_is_served_over_https_with_a_certificate(
    served_task: tuple[FakeMTurk, str], tmp_path: Path
) -> None:
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")

    with urllib.request.urlopen(served_task[0].live.worker_url, context=trusting) as reply:
        page = reply.read().decode()

    assert "Workers (live)" in page
