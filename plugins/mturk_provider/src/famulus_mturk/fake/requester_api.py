"""The requester's API over HTTP: JSON 1.1, as botocore sends it."""

from __future__ import annotations

import json
import re
import uuid
from http import HTTPStatus
from typing import Any

from famulus_mturk.fake.account import Account, ReplyLostError
from famulus_mturk.fake.errors import ApiError, MalformedRequestError
from famulus_mturk.fake.listening import Handler, Listener

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")


class RequesterApi(Listener):
    """Serves one account's API."""

    def __init__(self, account: Account, *, port: int = 0) -> None:
        super().__init__(_Handler, port=port)
        self.account = account


class _Handler(Handler):
    server: RequesterApi

    def post(self) -> None:
        body = self.body()
        try:
            reply = self.server.account.answer(
                self.headers.get("X-Amz-Target", ""), _parsed(body), self._access_key()
            )
        except ApiError as error:
            state = self.server.account.state
            self._send(error.status, error.body(state.now, state.facts.code_of(error)))
        except ReplyLostError:
            self.close_connection = True
        else:
            self._send(HTTPStatus.OK, reply)

    def _access_key(self) -> str:
        found = _ACCESS_KEY.search(self.headers.get("Authorization", ""))
        return found[1] if found else ""

    def _send(self, status: HTTPStatus, body: Any) -> None:
        request_id = ("x-amzn-RequestId", str(uuid.uuid4()))
        self.send(status, "application/x-amz-json-1.1", json.dumps(body), [request_id])


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise MalformedRequestError([f"the body is not JSON: {error}"]) from None
