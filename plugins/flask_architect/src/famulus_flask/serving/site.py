"""The limits and replies of an application that the server needs before calling it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from famulus_flask.answers import FORM_ADDRESSES, Answers, wants_json
from famulus_flask.error_replies import explain
from famulus_flask.serving.disk import DiskSpace
from famulus_flask.serving.heads import Head
from famulus_flask.serving.replies import ReplyEncoder, response_from
from famulus_flask.serving.wsgi_call import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from famulus import Reply

_HEALTH_ADDRESS = "/healthz"


class Site:
    """The form addresses of one application, their limits, and replies to errors.

    :param answers: None for an application that :func:`famulus_flask.app.create_app` has not made;
        it gets small bodies only.
    """

    def __init__(self, answers: Answers | None, *, small_body: int, keep_free: int) -> None:
        self._answers = answers
        #: for replies of the gateway
        self.encoder = ReplyEncoder(answers.constant_headers() if answers else {})
        self._small_body = small_body
        self._disk = DiskSpace(answers.upload_folder, keep_free) if answers else None

    def body_limit(self, head: Head) -> int:
        """Return the largest size of the request's body."""
        if self._answers is None or not _takes_form(head):
            return self._small_body
        return self._answers.limits.max_form_bytes

    def disk_for(self, head: Head) -> DiskSpace | None:
        """Return the disk space for large bodies; None if only small ones are allowed."""
        return self._disk if _takes_form(head) else None

    def needs_ticket(self, head: Head) -> bool:
        """Return whether a body is received only with a ticket."""
        return self._answers is not None and _takes_form(head)

    def refusal(self, head: Head) -> Response | None:
        """Return the reply to a request whose body must not be received; None to receive it."""
        if self._answers is None or not _takes_form(head) or self._answers.admits(head.query):
            return None
        environ = {
            "PATH_INFO": head.path,
            "QUERY_STRING": head.query,
            **_preferences(head),
        }
        refusal = self._answers.refusal(environ)
        return None if refusal is None else self._respond(refusal)

    def health(self, head: Head, *, is_busy: bool) -> Response | None:
        """Return the reply to a health check; None for any other request."""
        if self._answers is None or head.path != _HEALTH_ADDRESS:
            return None
        if head.method not in ("GET", "HEAD"):
            return None
        return self._respond(self._answers.health(is_busy=is_busy))

    def busy(self, head: Head | None) -> Response:
        """Return the reply to a request that cannot be served now."""
        if self._answers is None:
            return self.explain(HTTPStatus.SERVICE_UNAVAILABLE, None)
        return self._respond(self._answers.busy(_preferences(head)))

    def explain(self, status: HTTPStatus, head: Head | None) -> Response:
        """Return the reply to a request that is refused, as JSON if the client prefers it."""
        environ = _preferences(head)
        as_json = wants_json(environ)
        if self._answers is None:
            return self._respond(explain(None, status, as_json=as_json))
        return self._respond(self._answers.explain(status, environ, as_json=as_json))

    def _respond(self, reply: Reply) -> Response:
        headers = dict(reply.headers)
        if self._answers is not None:
            headers = self._answers.headers(reply)
        return response_from(reply, headers)


def _preferences(head: Head | None) -> WSGIEnvironment:
    """Return the WSGI variables of a request that show which kind of reply its sender prefers."""
    if head is None:
        return {}
    return {
        "HTTP_ACCEPT": head.text(b"accept"),
        "HTTP_ACCEPT_LANGUAGE": head.text(b"accept-language"),
    }


def _takes_form(head: Head) -> bool:
    return head.method == "POST" and head.path in FORM_ADDRESSES
