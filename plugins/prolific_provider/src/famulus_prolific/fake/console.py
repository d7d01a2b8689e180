"""The console of a fake that runs by itself: its state, its clock and its faults, over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from famulus_prolific.fake.faults import Fault
from famulus_prolific.fake.listening import Handler, Listener
from famulus_prolific.fake.service import FakeProlific


class ShiftedClock:
    """The machine's clock plus a shift."""

    def __init__(self) -> None:
        self._shift = timedelta(0)

    def __call__(self) -> datetime:
        return self.unshifted() + self._shift

    def unshifted(self) -> datetime:
        """Return the time of the machine."""
        return datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._shift += timedelta(seconds=seconds)


class Console(Listener):
    """Shows and changes a fake that runs by itself.

    ``GET /`` shows the account as JSON; ``POST /advance?seconds=3600`` moves the clock;
    ``POST /fault?kind=THROTTLE&operation=create-study&times=3`` plans faults.
    """

    def __init__(self, prolific: FakeProlific, clock: ShiftedClock, *, port: int = 0) -> None:
        super().__init__(_Handler, port=port)
        self.prolific = prolific
        self.clock = clock
        # The servers of runs keep the time of the machine.
        prolific.deliveries.targets_clock = clock.unshifted


class _Handler(Handler):
    server: Console

    def answer(self) -> None:
        self.body()
        status = HTTPStatus.OK
        shown: dict[str, Any] = {}
        try:
            if self.command == "POST":
                self._act()
            shown = self._overview()
        except (KeyError, ValueError) as error:
            status, shown = HTTPStatus.BAD_REQUEST, {"error": f"not understood: {error!r}"}
        self.send(status, "application/json", json.dumps(shown, indent=2).encode() + b"\n")

    def _act(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/advance":
            self.server.clock.advance(float(query["seconds"]))
        elif parts.path == "/fault":
            times = int(query.get("times", "1"))
            fault = Fault[query["kind"]]
            self.server.prolific.faults.plan(fault, query.get("operation"), times=times)
        else:
            raise KeyError(parts.path)

    def _overview(self) -> dict[str, Any]:
        prolific = self.server.prolific
        with prolific.turn() as state:
            return {
                "now": state.now.isoformat(),
                "api_url": prolific.api_url,
                "site_url": prolific.site_url,
                "available": str(state.money.available / 100),
                "studies": Counter(str(one.status) for one in state.studies.values()),
                "submissions": Counter(str(one.status) for one in state.submissions.values()),
                "paid": [
                    f"{one.kind} of {one.amount / 100:.2f} to {one.participant_id}"
                    for one in state.money.ledger
                ],
                "calls": Counter(f"{one.operation}: {one.outcome}" for one in prolific.calls),
                "audit": prolific.audit(),
            }
