"""The site for workers over HTTP: a list of HITs, pages with the task in a frame, submissions."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import frozen

from famulus_mturk.fake import worker_pages as pages
from famulus_mturk.fake.account import Account, ReplyLostError
from famulus_mturk.fake.certificate import Certificate
from famulus_mturk.fake.faults import SUBMISSION, Fault
from famulus_mturk.fake.listening import Handler, Listener
from famulus_mturk.fake.marketplace import WorkerRefusedError

_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")


class WorkerSite(Listener):
    """Serves one account's workers, who are known by a cookie."""

    def __init__(
        self, account: Account, *, port: int = 0, certificate: Certificate | None = None
    ) -> None:
        super().__init__(_Handler, port=port, certificate=certificate)
        self.account = account


@frozen(kw_only=True)
class _Reply:
    body: str
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


_UNAVAILABLE = _Reply(
    body=pages.refusal_page("This page cannot be shown now. Please try again."),
    status=HTTPStatus.SERVICE_UNAVAILABLE,
)

_Route = Callable[["_Handler", str], _Reply]


class _Handler(Handler):
    server: WorkerSite

    def get(self) -> None:
        self.form: list[tuple[str, str]] = []
        self._reply(_GET)

    def post(self) -> None:
        self.form = parse_qsl(self.body().decode(errors="replace"), keep_blank_values=True)
        self._reply(_POST)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def worker_id(self) -> str | None:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("worker")
        return cookie.value if cookie is not None else None

    def signed_in(self) -> str:
        """Return the worker who is signed in.

        :raises WorkerRefusedError: when no worker has signed in.
        """
        if self.worker_id is None:
            raise WorkerRefusedError("Sign in first.")
        return self.worker_id

    def home(self, _: str) -> _Reply:
        account, worker_id = self.server.account, self.worker_id
        if worker_id is None:
            return _Reply(body=pages.sign_in_page(account.name))
        with account.turn():
            groups = account.marketplace.groups(worker_id)
            at_work = account.marketplace.at_work(worker_id)
        return _Reply(body=pages.home_page(account.name, worker_id, groups, at_work))

    def sign_in(self, _: str) -> _Reply:
        worker_id = dict(self.form).get("worker_id", "")
        if not _WORKER_ID.fullmatch(worker_id):
            raise WorkerRefusedError("A worker's id is an A and capital letters or digits.")
        # The submission comes from the frame of another site.
        across = "; SameSite=None; Secure" if self.server.origin.startswith("https") else ""
        return _redirect("/", ("Set-Cookie", f"worker={worker_id}; Path=/; HttpOnly{across}"))

    def preview_link(self, _: str) -> _Reply:
        return _redirect(f"/projects/{quote(self.query.get('groupId', ''), safe='')}/tasks")

    def preview(self, group_id: str) -> _Reply:
        with self.server.account.turn():
            shown = self.server.account.marketplace.preview(group_id, self.worker_id)
        return _Reply(body=pages.preview_page(shown))

    def accept(self, group_id: str) -> _Reply:
        with self.server.account.turn():
            shown = self.server.account.marketplace.accept(group_id, self.signed_in())
        return _redirect(f"/tasks/{shown.assignment_id}")

    def task(self, assignment_id: str) -> _Reply:
        with self.server.account.turn():
            shown = self.server.account.marketplace.shown(assignment_id, self.signed_in())
        return _Reply(body=pages.task_page(shown))

    def hit(self, hit_id: str) -> _Reply:
        with self.server.account.turn():
            shown = self.server.account.marketplace.shown(
                self.query.get("assignment_id", ""), self.signed_in()
            )
        if shown.hit_id != hit_id:
            raise WorkerRefusedError("You have not accepted this HIT.")
        return _Reply(body=pages.task_page(shown))

    def give_back(self, assignment_id: str) -> _Reply:
        with self.server.account.turn():
            self.server.account.marketplace.give_back(assignment_id, self.signed_in())
        return _redirect("/")

    def submit(self, _: str) -> _Reply:
        account = self.server.account
        fault = account.faults.take_submission()
        account.faults.wait(SUBMISSION, after=False)
        if fault in (Fault.FAIL, Fault.THROTTLE):
            return _UNAVAILABLE
        assignment_id = dict(self.form).get("assignmentId", "")
        for _time in range(2 if fault is Fault.TWICE else 1):
            with account.turn():
                account.marketplace.submit(assignment_id, self.form, self.worker_id)
        account.faults.wait(SUBMISSION, after=True)
        if fault is Fault.LOSE_REPLY:
            raise ReplyLostError
        return _UNAVAILABLE if fault is Fault.FAIL_AFTER else _Reply(body=pages.submitted_page())

    def _reply(self, routes: dict[str, _Route]) -> None:
        try:
            reply = self._routed(routes)
        except WorkerRefusedError as refusal:
            reply = _Reply(body=pages.refusal_page(str(refusal)), status=HTTPStatus.BAD_REQUEST)
        except ReplyLostError:
            self.close_connection = True
            return
        self.send(reply.status, "text/html; charset=utf-8", reply.body, reply.headers)

    def _routed(self, routes: dict[str, _Route]) -> _Reply:
        path = urlsplit(self.path).path
        for pattern, route in routes.items():
            found = re.fullmatch(pattern, path)
            if found is not None:
                return route(self, found[1] if found.groups() else "")
        nothing = pages.refusal_page("There is no such page.")
        return _Reply(body=nothing, status=HTTPStatus.NOT_FOUND)


def _redirect(path: str, *headers: tuple[str, str]) -> _Reply:
    return _Reply(body="", status=HTTPStatus.SEE_OTHER, headers=(("Location", path), *headers))


_GET: dict[str, _Route] = {
    "/": _Handler.home,
    "/mturk/preview": _Handler.preview_link,
    r"/projects/(\w+)/tasks": _Handler.preview,
    r"/projects/\w+/tasks/(\w+)": _Handler.hit,
    "/tasks": _Handler.home,
    r"/tasks/(\w+)": _Handler.task,
}
_POST: dict[str, _Route] = {
    "/sign-in": _Handler.sign_in,
    r"/projects/(\w+)/tasks/accept": _Handler.accept,
    r"/tasks/(\w+)/return": _Handler.give_back,
    "/mturk/externalSubmit": _Handler.submit,
}
