"""The researcher's API over HTTP, and the published keys."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from famulus_prolific.fake.api import Api, Incoming
from famulus_prolific.fake.errors import ApiError, ReplyLostError, bad_request
from famulus_prolific.fake.exchange import ApiReply
from famulus_prolific.fake.faults import Fault
from famulus_prolific.fake.listening import Handler, Listener
from famulus_prolific.fake.routes import methods_at
from famulus_prolific.fake.signing import Signing

KEY_SET = "/.well-known/study/jwks.json"
_JSON = "application/json"
_PROXY_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class ApiServer(Listener):
    """Serves the API of one account."""

    def __init__(self, api: Api, signing: Signing, *, port: int = 0) -> None:
        super().__init__(_Handler, port=port)
        self.api = api
        self.signing = signing


class _Handler(Handler):
    server: ApiServer

    def answer(self) -> None:
        parts, raw = urlsplit(self.path), self.body()
        fault = None
        try:
            if parts.path == KEY_SET:
                reply = self._key_set()
            elif not parts.path.endswith("/") and methods_at(f"{parts.path}/"):
                reply = _moved(self.path, parts.path)
            else:
                reply, fault = self.server.api.answer(self._incoming(raw))
        except ReplyLostError:
            self.close_connection = True
            return
        except ApiError as error:
            reply = self._error(error)
        self._send(reply, fault)

    def _key_set(self) -> ApiReply:
        with self.server.api.turn():
            return ApiReply(body=self.server.signing.key_set())

    def _incoming(self, raw: bytes) -> Incoming:
        parts = urlsplit(self.path)
        return Incoming(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            body=_read_json(raw),
            authorization=self.headers.get("Authorization", ""),
            url=f"{self.server.origin}{parts.path}",
        )

    def _error(self, error: ApiError) -> ApiReply:
        body = error.body(envelope=self.server.api.state.facts.errors_in_envelope)
        headers: tuple[tuple[str, str], ...] = ()
        if error.retry_after is not None:
            headers = (("Retry-After", f"{error.retry_after:g}"),)
        return ApiReply(body=body, status=error.status, headers=headers)

    def _send(self, reply: ApiReply, fault: Fault | None) -> None:
        data = b"" if reply.body is None else json.dumps(reply.body).encode()
        if fault is Fault.GARBLE:
            self.send(HTTPStatus.OK, "text/html", _PROXY_PAGE)
            return
        missing = max(1, len(data) // 2) if fault is Fault.TRUNCATE else 0
        self.send(reply.status, _JSON, data, reply.headers, missing=missing)


def _read_json(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise bad_request("The body is not JSON.") from None


def _moved(target: str, path: str) -> ApiReply:
    """Return the redirect for a path that lacks its last slash."""
    location = target.replace(path, f"{path}/", 1)
    return ApiReply(status=HTTPStatus.MOVED_PERMANENTLY, headers=(("Location", location),))
