"""Telling a platform what is to be told: every row at least once, again after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from famulus.contracts.provider import Outcome, Provider, RunView
from famulus.engine.ledger.paying import Deciding, Paying
from famulus.engine.platform import outbox
from famulus.engine.platform.calls import (
    Blocking,
    ClosingPlaces,
    Effect,
    End,
    MovingEnd,
    OpeningPlaces,
    Platform,
    PlatformCall,
    Qualifying,
)
from famulus.engine.platform.disposal import Disposing
from famulus.engine.platform.outbox import Telling
from famulus.engine.platform.troubles import report, report_end
from famulus.errors import RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.transaction import Row, Transaction
from famulus.process import ProcessIdentity

_log = logging.getLogger(__name__)

#: Rows of one round.
_ROUND = 50
_DONE = End(effect=Effect.DONE)
_ENDS: Mapping[Outcome, End] = MappingProxyType(
    {
        Outcome.CONFIRMED: _DONE,
        Outcome.FAILED: End(effect=Effect.REFUSED, error="the platform says that it failed"),
        Outcome.UNKNOWN: End(effect=Effect.UNKNOWN, error="the platform has not said how it ended"),
    }
)


@frozen(kw_only=True)
class OutboxDelivery:
    """Speaks to the platform of one run, as its requester. Commands make one as the operator does:
    a row is claimed by one of them, and another takes it over once the claim has run out.

    What concerns the requester's account as a whole is told as well; with ``run`` None only that.
    """

    database: Database
    provider: Provider
    requester: int
    #: the run's number, and what reads it as it is now
    run_id: int | None = None
    run: Callable[[], RunView] | None = None
    #: the identity that claims rows
    process: str = field(factory=lambda: str(ProcessIdentity.current()))
    #: what the log has said of rows that wait, by their kind
    _waiting: dict[str, str] = field(factory=dict, init=False)

    def deliver(self, kinds: Collection[Telling] | None = None) -> int:
        """Tell what is due; return how many rows are put away by it.

        :param kinds: of the run's rows only these, and none of the requester's.
        """
        with self.database.read() as tx:
            due = outbox.select_due(
                tx, run=self.run_id, requester=self.requester, most=_ROUND, kinds=kinds
            )
        return sum(self._deliver_one(row) for row in due)

    def deliver_all(self) -> int:
        """Tell what is due until nothing more can be told now; return how many rows were put
        away.
        """
        told = 0
        while done := self.deliver():
            told += done
        return told

    def _deliver_one(self, row: Row) -> bool:
        way = _WAYS.get(row.kind)
        if way is None:
            reason = f"this version of Famulus does not know how to tell {row.kind!r}"
            self.database.write(lambda tx: outbox.postpone(tx, row, reason))
            return False
        try:
            claimed, begun = self.database.write(lambda tx: self._begin(tx, way, row))
        except (UnavailableError, RefusedError) as error:
            begun, end = None, _end_of(error)
        else:
            if not claimed:
                return False
            end = _DONE if begun is None else self._tell(way, row, begun)
        self.database.write(lambda tx: way.end(tx, row, begun, end))
        self._log(row, end, is_first=end.error != row.error)
        return end.effect in (Effect.DONE, Effect.REFUSED)

    def _log(self, row: Row, end: End, *, is_first: bool) -> None:
        """Log a refusal once, and what makes rows of one kind wait once until one is told again."""
        if end.effect is Effect.DONE:
            if self._waiting.pop(row.kind, None) is not None:
                _log.warning("%s", report_end(row))
        elif end.effect is Effect.REFUSED:
            _log.error("%s", report(row, is_refused=True, error=end.error))
        elif is_first and self._waiting.get(row.kind) != end.error:
            self._waiting[row.kind] = end.error
            _log.warning("%s", report(row, is_refused=False, error=end.error))

    def _begin(self, tx: Transaction, way: PlatformCall, row: Row) -> tuple[bool, Any]:
        if not outbox.claim(tx, row, way.lease, self.process):
            return False, None
        return True, way.begin(tx, row, self.provider.capabilities)

    def _tell(self, way: PlatformCall, row: Row, begun: Any) -> End:
        platform = Platform(
            database=self.database, provider=self.provider, process=self.process, run=self.run
        )
        try:
            return _ENDS[way.tell(platform, begun)]
        except DatabaseUnavailableError:
            # It says nothing of the platform, which may have done what it was told by now: the row
            # stays claimed, and is taken up again as after a crash.
            raise
        except (UnavailableError, RefusedError) as error:
            return _end_of(error)
        except Exception as error:  # noqa: BLE001 - third-party code; kept with the row, tried again
            text = f"{type(error).__name__}: {error}"
            if text != row.error:
                _log.exception("the platform could not be told of %s", row.key)
            return End(effect=Effect.UNKNOWN, error=text)


_WAYS: Mapping[str, PlatformCall] = MappingProxyType(
    {
        Telling.OPEN_PLACES: OpeningPlaces(),
        Telling.MOVE_END: MovingEnd(),
        Telling.CLOSE_PLACES: ClosingPlaces(),
        Telling.DISPOSE: Disposing(),
        Telling.DECIDE: Deciding(),
        Telling.PAY: Paying(),
        Telling.QUALIFY: Qualifying(),
        Telling.BLOCK: Blocking(),
    }
)


def _end_of(error: UnavailableError | RefusedError) -> End:
    effect = Effect.REFUSED if isinstance(error, RefusedError) else Effect.NOTHING
    return End(effect=effect, error=str(error) or type(error).__name__)
