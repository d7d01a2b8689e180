"""The participants' site over HTTP: studies, submissions, and where completion codes arrive."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from famulus_prolific.fake import participant_pages as pages
from famulus_prolific.fake.api import Api
from famulus_prolific.fake.errors import ParticipantRefusedError, ReplyLostError
from famulus_prolific.fake.faults import COMPLETION, Fault
from famulus_prolific.fake.listening import Handler, Listener
from famulus_prolific.fake.marketplace import Marketplace
from famulus_prolific.fake.records import Submission

_PARTICIPANT_ID = re.compile(r"[0-9a-f]{24}")


class ParticipantSite(Listener):
    """Serves participants, who are known by a cookie."""

    def __init__(self, api: Api, market: Marketplace, *, port: int = 0) -> None:
        super().__init__(_Handler, port=port)
        self.api = api
        self.market = market


@frozen(kw_only=True)
class _Reply:
    body: str
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


_UNAVAILABLE = _Reply(
    body=pages.refusal_page("This page cannot be shown now. Please try again."),
    status=HTTPStatus.SERVICE_UNAVAILABLE,
)
_BEFORE = (Fault.FAIL, Fault.THROTTLE)
_Route = Callable[["_Handler", str], _Reply]


class _Handler(Handler):
    server: ParticipantSite

    def answer(self) -> None:
        form = parse_qsl(self.body().decode(errors="replace"))
        self.form = dict(form)
        self._reply(_ROUTES.get(self.command, {}))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    @property
    def participant_id(self) -> str | None:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("participant")
        return cookie.value if cookie is not None else None

    def signed_in(self) -> str:
        """Return the participant who is signed in.

        :raises ParticipantRefusedError: when no participant has signed in.
        """
        if self.participant_id is None:
            raise ParticipantRefusedError("Sign in first.")
        return self.participant_id

    def home(self, _: str) -> _Reply:
        participant_id, market = self.participant_id, self.server.market
        if participant_id is None:
            return _Reply(body=pages.sign_in_page())
        with self.server.api.turn():
            return _Reply(
                body=pages.home_page(
                    participant_id,
                    market.studies(participant_id),
                    market.submissions_of(participant_id),
                )
            )

    def sign_in_again(self, _: str) -> _Reply:
        return _Reply(body=pages.sign_in_page())

    def sign_in(self, _: str) -> _Reply:
        participant_id = self.form.get("participant_id", "")
        if not _PARTICIPANT_ID.fullmatch(participant_id):
            raise ParticipantRefusedError("A Prolific ID is 24 digits and letters from a to f.")
        # Lax, so that it comes along when a researcher's site sends the browser back.
        cookie = f"participant={participant_id}; Path=/; HttpOnly; SameSite=Lax"
        return _redirect("/", ("Set-Cookie", cookie))

    def study(self, study_id: str) -> _Reply:
        with self.server.api.turn() as state:
            for study in self.server.market.studies(self.signed_in()):
                if study.id == study_id:
                    return _Reply(body=pages.study_page(study, state.money.currency))
        raise ParticipantRefusedError("There is no such study for you.")

    def reserve(self, study_id: str) -> _Reply:
        with self.server.api.turn():
            submission = self.server.market.reserve(study_id, self.signed_in())
        return _redirect(f"/submissions/{submission.id}")

    def submission(self, submission_id: str) -> _Reply:
        with self.server.api.turn():
            found = self.server.market.own(submission_id, self.signed_in())
            return _Reply(body=pages.submission_page(found))

    def start(self, submission_id: str) -> _Reply:
        with self.server.api.turn():
            return _redirect(self.server.market.start(submission_id, self.signed_in()))

    def give_back(self, submission_id: str) -> _Reply:
        with self.server.api.turn():
            self.server.market.give_back(submission_id, self.signed_in())
        return _redirect(f"/submissions/{submission_id}")

    def no_code(self, submission_id: str) -> _Reply:
        return self._enter(None, submission_id)

    def complete(self, _: str) -> _Reply:
        return self._enter(self.query.get("cc"), None)

    def _enter(self, code: str | None, submission_id: str | None) -> _Reply:
        faults = self.server.api.state.faults
        fault = faults.take_completion()
        faults.wait(COMPLETION, after=False)
        if fault in _BEFORE:
            return _UNAVAILABLE
        if fault is Fault.LOSE_REQUEST:
            raise ReplyLostError
        page = ""
        for _time in range(2 if fault is Fault.TWICE else 1):
            with self.server.api.turn():
                entered: Submission = self.server.market.enter_code(
                    self.signed_in(), code, submission_id
                )
                page = pages.completed_page(entered)
        faults.wait(COMPLETION, after=True)
        if fault is Fault.LOSE_REPLY:
            raise ReplyLostError
        return _UNAVAILABLE if fault is Fault.FAIL_AFTER else _Reply(body=page)

    def _reply(self, routes: dict[str, _Route]) -> None:
        try:
            reply = self._routed(routes)
        except ParticipantRefusedError as refusal:
            reply = _Reply(body=pages.refusal_page(str(refusal)), status=HTTPStatus.BAD_REQUEST)
        except ReplyLostError:
            self.close_connection = True
            return
        self.send(reply.status, "text/html; charset=utf-8", reply.body.encode(), reply.headers)

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
    "/sign-in": _Handler.sign_in_again,
    r"/studies/([0-9a-f]{24})": _Handler.study,
    "/submissions/complete": _Handler.complete,
    r"/submissions/([0-9a-f]{24})": _Handler.submission,
}
_POST: dict[str, _Route] = {
    "/sign-in": _Handler.sign_in,
    r"/studies/([0-9a-f]{24})/reserve": _Handler.reserve,
    r"/submissions/([0-9a-f]{24})/start": _Handler.start,
    r"/submissions/([0-9a-f]{24})/return": _Handler.give_back,
    r"/submissions/([0-9a-f]{24})/no-code": _Handler.no_code,
}
_ROUTES = {"GET": _GET, "POST": _POST}
