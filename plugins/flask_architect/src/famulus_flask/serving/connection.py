"""One connection: requests are taken out of its bytes, and answered one after the other."""

from __future__ import annotations

import asyncio
import enum
import math
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from famulus_flask.serving.body import Body
from famulus_flask.serving.disk import DiskFullError
from famulus_flask.serving.exchange import EarlyReply, Exchange, Request
from famulus_flask.serving.heads import BadRequestError, Head, read_head
from famulus_flask.serving.wsgi_call import Addresses, Response

if TYPE_CHECKING:
    from famulus_flask.serving.server import Server

#: Requests that a client may send without waiting for replies.
_MOST_PIPELINED = 64
#: What the encoding in chunks may add to a body: nine bytes around each one in the worst case.
_CHUNK_OVERHEAD = 9


class _Reading(enum.Enum):
    """The kind of bytes that are expected next from a client."""

    HEAD = enum.auto()
    BODY = enum.auto()
    #: of no interest, because the connection will be closed
    NOTHING = enum.auto()


class Connection(asyncio.Protocol):
    """The protocol of one connection: receives requests, and hands complete ones on in order.

    The parser calls the methods ``on_…`` during :meth:`data_received`.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._settings = server.settings
        self._parser = HttpRequestParser(self)
        self._reading = _Reading.HEAD
        self._fields: list[tuple[bytes, bytes]] = []
        self._target = b""
        self._head: Head | None = None
        self._body: Body | None = None
        #: bytes received since the current head, or the current body, began
        self._received = 0
        self._head_size = 0
        self._has_begun = False
        #: when the current head, the current body or the wait for the next request began
        self._started = 0.0
        #: when bytes were received last
        self._now = 0.0
        self._has_eof = False
        self._waiting: deque[Request | EarlyReply] = deque()
        self._running: Exchange | None = None
        self._is_lingering = False
        self.deadline = math.inf

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        client = str(peer[0]) if isinstance(peer, tuple) else ""
        self.addresses = Addresses(server=self._server.address, client=client)
        self.deadline = self._server.time() + self._settings.head_seconds
        self._server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading = _Reading.NOTHING
        self._drop_body()
        self._drop_waiting()
        if self._running is not None:
            self._running.abandon()
        self._server.remove(self)

    def data_received(self, data: bytes) -> None:
        self._now = self._server.time()
        while data and self._reading is not _Reading.NOTHING:
            self._received += len(data)
            try:
                self._parser.feed_data(data)
                data = b""
            except HttpParserUpgrade as upgrade:  # to a protocol that is not supported here
                data = data[upgrade.args[0] :]
            except HttpParserError:
                data = b""
                self._refuse(HTTPStatus.BAD_REQUEST)
        self._limit_received()
        if self._has_begun and self._reading is not _Reading.NOTHING:
            self._set_deadline()

    def eof_received(self) -> bool:
        """Return whether to keep the connection of a client that has stopped sending.

        The connection is kept while replies are still owed to that client.
        """
        if self._reading is _Reading.BODY:
            self._drop_body()
        self._reading = _Reading.NOTHING
        self._has_eof = True
        return self._running is not None

    def pause_writing(self) -> None:
        if self._running is not None:
            self._running.pause()
        self.deadline = self._server.time() + self._settings.reply_seconds

    def resume_writing(self) -> None:
        if self._running is not None:
            self.deadline = math.inf
            self._running.resume()

    # what the parser calls

    def on_message_begin(self) -> None:
        if self._reading is _Reading.NOTHING:
            return
        self._reading = _Reading.HEAD
        self._fields, self._target, self._head = [], b"", None
        self._has_begun = True
        self._received = self._head_size = 0
        self._started = self._now

    def on_url(self, target: bytes) -> None:
        self._target += target
        self._head_size += len(target)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reading is _Reading.HEAD:  # and not in the trailer of a body in chunks
            self._fields.append((name.lower(), value))
            self._head_size += len(name) + len(value)

    def on_headers_complete(self) -> None:
        if self._reading is _Reading.NOTHING:
            return
        self._started = self._now
        self._received = 0
        try:
            if self._head_size > self._settings.head_bytes:
                raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            self._head = read_head(
                self._parser.get_method(),
                self._target,
                self._parser.get_http_version(),
                self._fields,
            )
            self._admit(self._head)
        except BadRequestError as error:
            self._refuse(error.status)
        except DiskFullError as error:
            self._refuse_for_disk(error)

    def on_body(self, piece: bytes) -> None:
        if self._body is None:
            return
        try:
            self._body.write(piece)
        except BadRequestError as error:
            self._refuse(error.status)
        except DiskFullError as error:
            self._refuse_for_disk(error)

    def on_message_complete(self) -> None:
        if self._reading is not _Reading.BODY:
            return
        assert self._head is not None
        assert self._body is not None
        keeps_open = self._parser.should_keep_alive() and self._head.version == "1.1"
        request = Request(self._head, self._body, closes=not keeps_open)
        self._body = self._head = None
        self._reading = _Reading.HEAD if keeps_open else _Reading.NOTHING
        self._has_begun = False
        self._received = 0
        self._answer_in_turn(request)

    # what the server and exchanges call

    @property
    def is_busy(self) -> bool:
        """Whether a request is being received or answered."""
        return self._running is not None or self._reading is _Reading.BODY

    @property
    def is_idle(self) -> bool:
        """Whether the connection is open, and closing it would interrupt no request."""
        return not self.transport.is_closing() and (self._is_lingering or not self.is_busy)

    @property
    def may_be_replaced(self) -> bool:
        """Whether this connection may be closed if there are too many.

        Closing it interrupts at most a request that needs no ticket and has not arrived yet.
        """
        return self.is_idle or (not self.transport.is_closing() and self._is_uninvited)

    def finished(self, *, closes: bool) -> None:
        """Go on after a reply was handed to the transport."""
        self._running = None
        if closes or self._server.is_stopping:
            self._drop_waiting()
            self._close()
        elif self._waiting:
            self._run(self._waiting.popleft())
        elif self._reading is _Reading.NOTHING:
            self._close()
        else:
            self._started = self._server.time()
            self._set_deadline()
            self.transport.resume_reading()

    def expire(self) -> None:
        """End a request that has taken too long."""
        if self._reading is _Reading.BODY and self._running is None:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.abort()

    def turn_away(self) -> None:
        """Refuse the next request because there are too many connections."""
        self._stop_reading(self._server.site.busy(self._head))

    def stop(self) -> None:
        """Take no new request; close the connection as soon as none is under way."""
        if self.is_idle:
            self.transport.close()

    # how a request goes its way

    @property
    def _is_uninvited(self) -> bool:
        """Whether the connection is busy only with a body that needs no ticket."""
        is_receiving = self._running is None and self._reading is _Reading.BODY
        head = self._head
        return is_receiving and head is not None and not self._server.site.needs_ticket(head)

    def _admit(self, head: Head) -> None:
        """Decide, before any of a body is stored, whether to receive it."""
        site = self._server.site
        refusal = site.refusal(head)
        if refusal is not None:
            self._stop_reading(refusal)
            return
        self._body = Body(
            head.announced,
            limit=site.body_limit(head),
            small=self._settings.small_body_bytes,
            disk=site.disk_for(head),
        )
        if head.announced is not None and head.announced > self._settings.small_body_bytes:
            self._server.note_room_on_disk()
        self._reading = _Reading.BODY
        if head.expects_continue and head.announced != 0 and self._running is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer_in_turn(self, request: Request | EarlyReply) -> None:
        if self._running is None:
            self._run(request)
            return
        self._waiting.append(request)
        if len(self._waiting) >= _MOST_PIPELINED:
            self._reading = _Reading.NOTHING
        self.transport.pause_reading()

    def _run(self, request: Request | EarlyReply) -> None:
        self.deadline = math.inf
        self._running = Exchange(self._server, self, request)
        self._running.start()

    def _refuse(self, status: HTTPStatus) -> None:
        if self._reading is not _Reading.NOTHING:
            self._stop_reading(self._server.site.explain(status, self._head))

    def _refuse_for_disk(self, error: DiskFullError) -> None:
        self._server.note_full_disk(error)
        self._stop_reading(self._server.site.busy(self._head))

    def _stop_reading(self, reply: Response) -> None:
        """Reply before the end of a request, and read no more: the next one's start is unknown."""
        self._drop_body()
        self._reading = _Reading.NOTHING
        self._answer_in_turn(EarlyReply(reply, self._head))

    def _close(self) -> None:
        """Close once the reply is sent and the client has closed its side, or after a while.

        Closing with input unread would reset the connection, and the client might never see the
        reply.
        """
        self._reading = _Reading.NOTHING
        self._is_lingering = True
        if self._has_eof:
            self.transport.close()
        if self.transport.is_closing():
            return
        self.deadline = self._server.time() + self._settings.linger_seconds
        try:
            self.transport.write_eof()
        except OSError:  # the client has closed or reset the connection
            self.transport.abort()
            return
        self.transport.resume_reading()

    def _drop_waiting(self) -> None:
        while self._waiting:
            self._waiting.popleft().close()

    def _drop_body(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def _limit_received(self) -> None:
        """Limit the bytes that the parser collects: heads, trailers, the encoding in chunks."""
        if self._reading is _Reading.HEAD and self._received > self._settings.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._reading is _Reading.BODY and self._body is not None:
            most = self._settings.head_bytes + self._body.size * _CHUNK_OVERHEAD
            if self._received > most:
                self._refuse(HTTPStatus.BAD_REQUEST)

    def _set_deadline(self) -> None:
        if self._running is not None:
            return
        if self._reading is _Reading.BODY and self._body is not None:
            sent = self._body.size / self._settings.body_bytes_per_second
            self.deadline = self._started + self._settings.body_grace_seconds + sent
        elif self._has_begun:
            self.deadline = self._started + self._settings.head_seconds
        else:
            self.deadline = self._started + self._settings.idle_seconds
