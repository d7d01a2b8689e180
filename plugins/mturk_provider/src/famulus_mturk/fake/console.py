"""The console of a fake that runs by itself: its state, its clock and its faults, over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from famulus_mturk.fake.account import Account
from famulus_mturk.fake.faults import Fault
from famulus_mturk.fake.listening import Handler, Listener
from famulus_mturk.fake.service import FakeMTurk


class ShiftedClock:
    """The machine's clock plus a shift."""

    def __init__(self) -> None:
        self._shift = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._shift += timedelta(seconds=seconds)


class Console(Listener):
    """Shows and changes a fake that runs by itself.

    ``GET /`` shows both accounts as JSON; ``POST /advance?seconds=3600`` moves the clock;
    ``POST /fault?account=sandbox&kind=THROTTLE&operation=CreateHIT&times=3`` plans faults.
    """

    def __init__(self, mturk: FakeMTurk, clock: ShiftedClock, *, port: int = 0) -> None:
        super().__init__(_Handler, port=port)
        self.mturk = mturk
        self.clock = clock


class _Handler(Handler):
    server: Console

    def get(self) -> None:
        self._send(HTTPStatus.OK, self._overview())

    def post(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        try:
            self._act(parts.path, query)
        except (KeyError, ValueError) as error:
            self._send(HTTPStatus.BAD_REQUEST, {"error": f"not understood: {error!r}"})
        else:
            self._send(HTTPStatus.OK, self._overview())

    def _act(self, path: str, query: dict[str, str]) -> None:
        if path == "/advance":
            self.server.clock.advance(float(query["seconds"]))
        elif path == "/fault":
            account = self._accounts()[query["account"]]
            times = int(query.get("times", "1"))
            account.faults.plan(Fault[query["kind"]], query.get("operation"), times=times)
        else:
            raise KeyError(path)

    def _accounts(self) -> dict[str, Account]:
        return {"sandbox": self.server.mturk.sandbox, "live": self.server.mturk.live}

    def _overview(self) -> dict[str, Any]:
        return {name: _account_overview(account) for name, account in self._accounts().items()}

    def _send(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        self.send(status, "application/json", json.dumps(body, indent=2) + "\n")


def _account_overview(account: Account) -> dict[str, Any]:
    with account.turn() as state:
        return {
            "now": state.now.isoformat(),
            "endpoint_url": account.endpoint_url,
            "worker_url": account.worker_url,
            "available": str(state.money.available),
            "on_hold": str(state.money.on_hold),
            "hits": Counter(state.status(hit, state.now) for hit in state.hits.values()),
            "assignments": Counter(
                accept.stage for hit in state.hits.values() for accept in hit.accepts
            ),
            "paid": [
                f"{entry.kind} of {entry.amount} to {entry.worker_id}, fee {entry.fee}"
                for entry in state.money.ledger
            ],
            "calls": Counter(f"{call.operation}: {call.outcome}" for call in account.calls),
        }
