"""The bytes of a reply: its head, and how the end of its body is marked."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import define

from famulus_flask.serving.heads import Head
from famulus_flask.serving.wsgi_call import Headers, RemainingBody, Response

if TYPE_CHECKING:
    from famulus import Reply

_BREAK = re.compile(r"[\r\n\0]")


class DateHeader:
    """The value of the header ``Date``, formatted once per second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def date(self) -> str:
        """Return the current time in the format of HTTP."""
        now = int(time.time())
        if now != self._second:
            self._second, self._text = now, formatdate(now, usegmt=True)
        return self._text


@define(kw_only=True)
class OutgoingReply:
    """The first bytes of a reply, and how the rest of it is sent."""

    head: bytes
    beginning: bytes
    closes: bool
    framing: Framing
    #: where the body goes on; None when all of it is in ``beginning``
    rest: RemainingBody | None = None


class ReplyEncoder:
    """Encodes replies of a gateway; headers that are the same each time are encoded once.

    :param headers: the headers of every reply, except those that describe its body.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        #: encoded, by content type
        self._constant: dict[str, str] = {}

    def encode(self, reply: Reply, head: Head, *, date: str, closes: bool) -> OutgoingReply:
        """Return a whole reply to the request with that head, whose method must not be ``HEAD``.

        :raises ValueError: when the reply cannot be sent as it is.
        """
        if reply.status != HTTPStatus.OK or reply.headers:
            response = response_from(reply, {**self._headers, **reply.headers})
            return encode(response, head, date=date, closes=closes)
        constant = self._constant.get(reply.content_type)
        if constant is None:
            constant = "".join(_header_lines(response_from(reply, self._headers).headers))
            self._constant[reply.content_type] = constant
        body = reply.body.encode()
        close = "Connection: close\r\n" if closes else ""
        lines = f"{constant}Date: {date}\r\nContent-Length: {len(body)}\r\n{close}"
        return OutgoingReply(
            head=f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode("latin-1"),
            beginning=body,
            closes=closes,
            framing=Framing(),
        )


@define
class Framing:
    """How the end of a body is marked: by its length, by chunks, or by closing."""

    in_chunks: bool = False
    #: bytes that are still to come, where the length was announced
    left: int | None = None

    def frame(self, piece: bytes, *, is_last: bool) -> bytes:
        """Return the bytes to send for a part of the body.

        :raises ValueError: when the parts do not add up to the announced length.
        """
        if self.left is not None:
            self.left -= len(piece)
            if self.left < 0 or (is_last and self.left):
                raise ValueError("a reply is not as long as it announced")
        if not self.in_chunks:
            return piece
        chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
        return chunk + b"0\r\n\r\n" if is_last else chunk


def encode(response: Response, head: Head | None, *, date: str, closes: bool) -> OutgoingReply:
    """Return the beginning of a reply to the request with that head, if its head was readable.

    :raises ValueError: when the application's reply cannot be sent as it is.
    """
    headers = [*response.headers, ("Date", date)]
    has_body = _has_body(response.status, head)
    announced = next((text for name, text in headers if name.lower() == "content-length"), None)
    framing = Framing(left=None if announced is None or not has_body else int(announced))
    if announced is None and has_body:
        if response.rest is None:
            headers.append(("Content-Length", str(len(response.beginning))))
        elif head is not None and head.version == "1.1":
            headers.append(("Transfer-Encoding", "chunked"))
            framing.in_chunks = True
        else:
            closes = True
    if closes:
        headers.append(("Connection", "close"))
    beginning = b""
    if has_body:
        beginning = framing.frame(response.beginning, is_last=response.rest is None)
    return OutgoingReply(
        head=_encode_head(response.status, headers),
        beginning=beginning,
        closes=closes,
        framing=framing,
        rest=response.rest if has_body else None,
    )


def response_from(reply: Reply, headers: Mapping[str, str]) -> Response:
    """Return a reply of the gateway, to be sent with ``headers``."""
    status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
    return Response(
        status, [("Content-Type", reply.content_type), *headers.items()], reply.body.encode()
    )


def _has_body(status: str, head: Head | None) -> bool:
    is_empty = status.startswith(("1", "204", "304"))
    return not is_empty and (head is None or head.method != "HEAD")


def _encode_head(status: str, headers: Headers) -> bytes:
    lines = "".join(_header_lines(headers))
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")


def _header_lines(headers: Headers) -> list[str]:
    for name, value in headers:
        if _BREAK.search(name) or _BREAK.search(value):
            raise ValueError(f"the header {name!r} holds a line break")
    return [f"{name}: {value}\r\n" for name, value in headers]
