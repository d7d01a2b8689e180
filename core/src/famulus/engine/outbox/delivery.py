"""Delivery of outbox rows: each at least once, and again after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from famulus.contracts.provider import Outcome, Provider, RunView
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.platform_call import CallContext, CallResult, CallStatus, PlatformCall
from famulus.engine.outbox.undelivered import describe_recovery, describe_undelivered
from famulus.errors import RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.transaction import Row, Transaction
from famulus.process import ProcessIdentity

_log = logging.getLogger(__name__)

#: Rows of one round.
_ROUND = 50
_DONE = CallResult(status=CallStatus.DONE)
_RESULTS: Mapping[Outcome, CallResult] = MappingProxyType(
    {
        Outcome.CONFIRMED: _DONE,
        Outcome.FAILED: CallResult(
            status=CallStatus.REFUSED, error="the platform reports that it failed"
        ),
        Outcome.UNKNOWN: CallResult(
            status=CallStatus.UNKNOWN, error="the platform has not reported the outcome"
        ),
    }
)


@frozen(kw_only=True)
class OutboxDelivery:
    """Delivers the outbox rows of one run and of its requester's account.

    Operators and commands each make one of their own: a row is claimed by one of them, and another
    takes it over once the claim has run out.
    """

    database: Database
    provider: Provider
    #: by kind, as text: a newer version may have enqueued kinds that this one does not know
    calls: Mapping[str, PlatformCall]
    requester: int
    #: the run, and the function that reads its current view; None: only the account's rows
    run_id: int | None = None
    run: Callable[[], RunView] | None = None
    process: str = field(factory=lambda: str(ProcessIdentity.current()))
    #: the last logged error of each kind of row that waits
    _waiting: dict[str, str] = field(factory=dict, init=False)

    def deliver(self, kinds: Collection[OutboxKind] | None = None) -> int:
        """Deliver rows that are due; return how many were delivered or refused.

        :param kinds: only these kinds of the run's rows, and none of the requester's.
        """
        with self.database.read() as tx:
            due = outbox_rows.select_due(
                tx, run=self.run_id, requester=self.requester, most=_ROUND, kinds=kinds
            )
        return sum(self._deliver_one(row) for row in due)

    def deliver_all(self) -> int:
        """Deliver until no row can be delivered now; return how many were delivered or refused."""
        total = 0
        while delivered := self.deliver():
            total += delivered
        return total

    def _deliver_one(self, row: Row) -> bool:
        call = self.calls.get(row.kind)
        if call is None:
            reason = f"this version of Famulus cannot deliver outbox rows of the kind {row.kind!r}"
            self.database.write(lambda tx: outbox_rows.postpone(tx, row, reason))
            return False
        try:
            claimed, prepared = self.database.write(lambda tx: self._prepare(tx, call, row))
        except (UnavailableError, RefusedError) as error:
            prepared, result = None, _result_of(error)
        else:
            if not claimed:
                return False
            result = _DONE if prepared is None else self._send(call, row, prepared)
        self.database.write(lambda tx: call.record(tx, row, prepared, result))
        self._log(row, result, is_first=result.error != row.error)
        return result.status in (CallStatus.DONE, CallStatus.REFUSED)

    def _log(self, row: Row, result: CallResult, *, is_first: bool) -> None:
        """Log each refusal, and once per kind that its rows wait, and that they wait no longer."""
        if result.status is CallStatus.DONE:
            if self._waiting.pop(row.kind, None) is not None:
                _log.warning("%s", describe_recovery(row))
        elif result.status is CallStatus.REFUSED:
            _log.error("%s", describe_undelivered(row, is_refused=True, error=result.error))
        elif is_first and self._waiting.get(row.kind) != result.error:
            self._waiting[row.kind] = result.error
            _log.warning("%s", describe_undelivered(row, is_refused=False, error=result.error))

    def _prepare(self, tx: Transaction, call: PlatformCall, row: Row) -> tuple[bool, Any]:
        if not outbox_rows.claim(tx, row, call.lease, self.process):
            return False, None
        return True, call.prepare(tx, row, self.provider.capabilities)

    def _send(self, call: PlatformCall, row: Row, prepared: Any) -> CallResult:
        context = CallContext(
            database=self.database, provider=self.provider, process=self.process, run=self.run
        )
        try:
            return _RESULTS[call.send(context, prepared)]
        except DatabaseUnavailableError:
            # The platform may have been called already: the row stays claimed, and is delivered
            # again once the claim has run out, as after a crash.
            raise
        except (UnavailableError, RefusedError) as error:
            return _result_of(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; kept, retried
            text = f"{type(error).__name__}: {error}"
            if text != row.error:
                _log.exception("outbox row %s could not be delivered", row.key)
            return CallResult(status=CallStatus.UNKNOWN, error=text)


def _result_of(error: UnavailableError | RefusedError) -> CallResult:
    text = str(error) or type(error).__name__
    if isinstance(error, RefusedError):
        return CallResult(status=CallStatus.REFUSED, error=text)
    return CallResult(status=CallStatus.FAILED, error=text, retry_after=error.retry_after)
