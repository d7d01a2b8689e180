"""One request and its reply, which is sent as fast as the client reads it."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from attrs import define, frozen

from famulus import escaped_line
from famulus_flask.serving.body import Body
from famulus_flask.serving.disk import DiskFullError
from famulus_flask.serving.heads import Head
from famulus_flask.serving.pool import PoolClosedError, PoolFullError
from famulus_flask.serving.replies import OutgoingReply, encode
from famulus_flask.serving.wsgi_call import RemainingBody, Response, call_application, make_environ

if TYPE_CHECKING:
    from famulus import Reply
    from famulus_flask.serving.connection import Connection
    from famulus_flask.serving.server import Server

_log = logging.getLogger(__name__)

_LONGEST_LOGGED_PATH = 200


# Not frozen, since attrs sets frozen fields more slowly, and one is made for each request.
@define(eq=False)
class Request:
    """A request that has arrived completely."""

    head: Head
    body: Body
    #: whether the connection ends after it
    closes: bool

    def close(self) -> None:
        """Free the body of the request."""
        self.body.close()


@frozen(eq=False)
class EarlyReply:
    """A reply before the end of a request; the connection is closed after it."""

    response: Response
    head: Head | None

    def close(self) -> None:
        """Do nothing: there is no body."""


class Exchange:
    """One request until its reply is sent. All methods but ``_call`` run on the event loop."""

    def __init__(
        self, server: Server, connection: Connection, request: Request | EarlyReply
    ) -> None:
        self._server = server
        self._connection = connection
        self._request = request
        self._outgoing: OutgoingReply | None = None
        self._is_paused = False
        self._is_sent = False
        self._is_fetching = False
        self._is_abandoned = False

    def start(self) -> None:
        """Answer the request: on the event loop if that is quick, otherwise in a thread."""
        request = self._request
        if isinstance(request, EarlyReply):
            self._send(request.response)
            return
        health = self._server.health(request.head)
        if health is not None:
            self._send(health)
            return
        fast_path = self._server.fast_path
        if fast_path is None or not fast_path.take(request.head, request.body, self._answered):
            self._ask_application()

    def pause(self) -> None:
        """Pause sending: the client reads too slowly."""
        self._is_paused = True

    def resume(self) -> None:
        """Resume sending."""
        self._is_paused = False
        if self._outgoing is not None:
            self._go_on(self._outgoing)

    def abandon(self) -> None:
        """Stop sending: the connection is lost."""
        self._is_abandoned = True
        if self._outgoing is not None and not self._is_fetching:
            self._end()

    def _answered(self, reply: Reply | None) -> None:
        """Send the reply of the fast path; if it has none, call the application."""
        head = self._request.head
        if reply is None or head is None:
            self._ask_application()
            return
        date = self._server.date_header.date()
        try:
            outgoing = self._server.site.encoder.encode(reply, head, date=date, closes=self._closes)
        except ValueError as error:
            self._log(error)
            self._send(self._failure())
        else:
            self._write(outgoing)

    def _ask_application(self) -> None:
        self._server.pool.submit(self._call, self._called)

    def _call(self) -> Response:
        """Run the application. Called in a thread."""
        request = self._request
        assert isinstance(request, Request)
        environ = make_environ(
            request.head,
            request.body.complete(),
            request.body.size,
            self._connection.addresses,
        )
        return call_application(self._server.application, environ)

    def _called(self, outcome: Any) -> None:
        if isinstance(outcome, Response):
            self._send(outcome)
        elif isinstance(outcome, PoolFullError):
            self._server.note_full_pool()
            self._send(self._server.site.busy(self._request.head))
        elif isinstance(outcome, PoolClosedError):
            self._send(self._server.site.busy(self._request.head))
        elif isinstance(outcome, DiskFullError):
            self._server.note_full_disk(outcome)
            self._send(self._server.site.busy(self._request.head))
        else:
            self._log(outcome)
            self._send(self._failure())

    def _send(self, response: Response) -> None:
        try:
            outgoing = self._encode(response)
        except ValueError as error:
            self._log(error)
            self._discard(response.rest)
            outgoing = self._encode(self._failure())
        if outgoing.rest is None:
            self._discard(response.rest)
        self._write(outgoing)

    def _write(self, outgoing: OutgoingReply) -> None:
        self._outgoing = outgoing
        if self._is_abandoned:
            self._end()
            return
        # In Python 3.12 and 3.13.0, writelines() keeps empty pieces in its buffer for good, and
        # never pauses the protocol (CVE-2024-12254).
        self._connection.transport.write(outgoing.head + outgoing.beginning)
        self._go_on(outgoing)

    def _encode(self, response: Response) -> OutgoingReply:
        date = self._server.date_header.date()
        return encode(response, self._request.head, date=date, closes=self._closes)

    @property
    def _closes(self) -> bool:
        request = self._request
        return isinstance(request, EarlyReply) or request.closes or self._server.is_stopping

    def _go_on(self, outgoing: OutgoingReply) -> None:
        if self._is_paused or self._is_fetching or self._is_sent:
            return
        if outgoing.rest is None:
            self._end()
        else:
            self._is_fetching = True
            self._server.pool.submit(outgoing.rest.fetch, self._fetched)

    def _fetched(self, outcome: Any) -> None:
        assert self._outgoing is not None
        self._is_fetching = False
        if self._is_abandoned:
            self._end()
            return
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            piece, has_more = outcome
            data = self._outgoing.framing.frame(piece, is_last=not has_more)
        except BaseException as error:  # noqa: BLE001 - it is too late for another reply
            self._log(error)
            self._connection.transport.abort()
            return
        if not has_more:
            self._outgoing.rest = None
        self._connection.transport.write(data)
        self._go_on(self._outgoing)

    def _end(self) -> None:
        self._is_sent = True
        self._request.close()
        assert self._outgoing is not None
        self._discard(self._outgoing.rest)
        if not self._is_abandoned:
            self._connection.finished(closes=self._outgoing.closes)

    def _discard(self, rest: RemainingBody | None) -> None:
        if rest is not None:
            self._server.pool.clean_up(rest.close)

    def _failure(self) -> Response:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return self._server.site.explain(status, self._request.head)

    def _log(self, error: BaseException) -> None:
        head = self._request.head
        path = "" if head is None else escaped_line(head.path, _LONGEST_LOGGED_PATH)
        _log.error("a request for %s failed", path, exc_info=error)
