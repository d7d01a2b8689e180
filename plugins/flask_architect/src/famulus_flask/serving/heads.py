"""The head of a request, checked more strictly than by the parser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from attrs import define

_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_DIGITS = re.compile(rb"[0-9]{1,15}")

Fields = Sequence[tuple[bytes, bytes]]


class BadRequestError(Exception):
    """A request that is refused, with the status to refuse it with."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


# Not frozen, since attrs sets frozen fields more slowly, and one is made for each request.
@define(eq=False)
class Head:
    """A request without its body. Text is decoded as Latin-1, as WSGI requires."""

    method: str
    path: str
    query: str
    version: str
    fields: Fields
    headers: Mapping[bytes, bytes]
    #: the body's size; 0 for none, None for one that is sent in chunks
    announced: int | None

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for 100 Continue before it sends the body."""
        return self.version == "1.1" and b"expect" in self.headers

    def text(self, name: bytes) -> str:
        """Return the value of a header, or an empty text."""
        return self.headers.get(name, b"").decode("latin-1")


def read_head(method: bytes, target: bytes, version: str, fields: Fields) -> Head:
    """Return the head of a request.

    :param fields: names in lower case, and values.
    :raises BadRequestError: when two servers could disagree about the end of the request or about
        its host.
    """
    headers = dict(fields)
    _require(version in ("1.0", "1.1"))
    _require(version == "1.0" or b"host" in headers)
    if len(headers) < len(fields):
        names = [name for name, _ in fields]
        for name in (b"host", b"content-length", b"transfer-encoding"):
            _require(names.count(name) < 2)
    if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise BadRequestError(HTTPStatus.EXPECTATION_FAILED)
    if not target.startswith(b"/"):
        target = _ABSOLUTE.sub(b"", target, count=1)
    path, _, query = target.partition(b"?")
    path = path or b"/"
    _require(path.startswith(b"/") or (path, method) == (b"*", b"OPTIONS"))
    return Head(
        method=method.decode("latin-1"),
        path=unquote_to_bytes(path).decode("latin-1"),
        query=query.decode("latin-1"),
        version=version,
        fields=fields,
        headers=headers,
        announced=_announced(version, headers),
    )


def _announced(version: str, headers: Mapping[bytes, bytes]) -> int | None:
    if (encoding := headers.get(b"transfer-encoding")) is not None:
        _require(version == "1.1" and b"content-length" not in headers)
        _require(encoding.lower() == b"chunked")
        return None
    length = headers.get(b"content-length", b"0")
    _require(_DIGITS.fullmatch(length) is not None)
    return int(length)


def _require(condition: bool) -> None:
    if not condition:
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
