"""A call to a platform: one class per kind of outbox row, and the result of a call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Outcome,
    RunView,
)
from famulus.engine.outbox import outbox_rows
from famulus.errors import (
    RefusedError,
    UnavailableError,
    UnlistedPlacesError,
    UnpayableError,
)
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import OutboxStatus
from famulus.model.transaction import Row, Transaction

#: How often a call is repeated at once because the local state changed during it.
_MOST_REPEATS = 5
#: Seconds until a platform is asked again for what it has accepted.
_SHOWN_AFTER = 60


class CallStatus(StrEnum):
    """The effect of a call on the platform."""

    DONE = "done"
    #: no effect, and none until someone changes something
    REFUSED = "refused"
    #: no effect; a retry may succeed
    FAILED = "failed"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class CallResult:
    """The effect of a call, and the reason unless it is done."""

    status: CallStatus
    error: str = ""
    #: the seconds that the platform asks to wait; None if it does not say
    retry_after: float | None = None
    #: whether the platform cannot make the payment at all, so that the requester has to
    is_owed: bool = False
    #: whether the outcome is unknown because the platform does not show yet what it has accepted
    is_accepted: bool = False
    #: whether it closed every place that the platform lists, and there may be others
    is_rest_unlisted: bool = False
    #: an exception that a provider does not raise on purpose, for the log
    fault: BaseException | None = None


DONE = CallResult(status=CallStatus.DONE)
NO_RESULT = CallResult(status=CallStatus.UNKNOWN, error="the provider has returned no result")
_RESULTS: Mapping[Outcome, CallResult] = MappingProxyType(
    {
        Outcome.CONFIRMED: DONE,
        Outcome.FAILED: CallResult(
            status=CallStatus.REFUSED, error="the platform reports that it failed"
        ),
        Outcome.UNKNOWN: CallResult(
            status=CallStatus.UNKNOWN, error="the platform has not reported the outcome"
        ),
        Outcome.ACCEPTED: CallResult(
            status=CallStatus.UNKNOWN,
            error="the platform has accepted it, but does not show it yet",
            retry_after=_SHOWN_AFTER,
            is_accepted=True,
        ),
    }
)


def result_of(given: object) -> CallResult:
    """Return the result of a call, from a provider's return value or exception."""
    if isinstance(given, Outcome):
        return _RESULTS[given]
    if isinstance(given, (UnavailableError, RefusedError)):
        text = str(given) or type(given).__name__
        if isinstance(given, RefusedError):
            is_owed = isinstance(given, UnpayableError)
            return CallResult(status=CallStatus.REFUSED, error=text, is_owed=is_owed)
        return CallResult(
            status=CallStatus.FAILED,
            error=text,
            retry_after=given.retry_after,
            is_rest_unlisted=isinstance(given, UnlistedPlacesError),
        )
    if isinstance(given, (Exception, SystemExit)):
        text = f"{type(given).__name__}: {given}"
        return CallResult(status=CallStatus.UNKNOWN, error=text, fault=given)
    return CallResult(
        status=CallStatus.UNKNOWN,
        error=f"the provider has returned {given!r}, which is not a Result",
    )


@frozen(kw_only=True)
class CallContext:
    """The arguments of a call."""

    database: Database
    provider: Provider
    #: the identity of the process that makes the call
    process: str
    #: reads the run's current view; None if the call concerns a requester's account
    run: Callable[[], RunView] | None

    def run_view(self) -> RunView:
        """Return the current view of the run."""
        assert self.run is not None
        return self.run()


class OutboxCall(ABC):
    """The delivery of one kind of outbox row.

    :meth:`deliver` runs outside of any transaction; methods with a parameter ``tx`` run inside it.
    """

    #: How long a claim on a row keeps other processes from delivering it.
    lease: ClassVar[timedelta] = timedelta(minutes=2)

    def batch_size(self, provider: Provider) -> int:
        """Return how many rows one call may deliver."""
        return 1

    def wait_until(self, tx: Transaction, row: Row, together: Collection[int]) -> datetime | None:
        """Return when to try a row again if it has to wait for another row, or else None.

        :param together: the ids of the rows that the same call delivers.
        """
        predecessor = outbox_rows.predecessor(tx, row)
        return None if predecessor is None else predecessor.next_attempt_at

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        """Write what has to be stored before the call, and return the argument of :meth:`deliver`.

        None means that no call is needed any more: the row counts as delivered.

        :raises famulus.UnavailableError: when the call cannot be made yet.
        :raises famulus.RefusedError: when it never can.
        """
        return row.payload

    def companions(self, tx: Transaction, row: Row) -> Sequence[Row]:
        """Return other rows that the call for a row has to deliver too, due or not."""
        return ()

    @abstractmethod
    def deliver(
        self, context: CallContext, prepared: Mapping[int, Any]
    ) -> Generator[tuple[int, CallResult], None, None]:
        """Call the platform about rows, and yield the result of each as it comes.

        A row that is left out has an unknown result.

        :param prepared: the results of :meth:`prepare`, by the id of the row.
        """

    def record(self, tx: Transaction, row: Row, prepared: Any, result: CallResult) -> None:
        """Write the result. ``prepared`` is None if :meth:`prepare` returned None or raised."""
        if result.status is CallStatus.DONE:
            outbox_rows.finish(tx, row, OutboxStatus.DONE)
        elif result.status is CallStatus.REFUSED:
            outbox_rows.finish(tx, row, OutboxStatus.FAILED, result.error)
        else:
            outbox_rows.postpone(tx, row, result.error, result.retry_after)


class PlatformCall(OutboxCall):
    """A call that delivers one row."""

    def deliver(
        self, context: CallContext, prepared: Mapping[int, Any]
    ) -> Generator[tuple[int, CallResult], None, None]:
        for row, each in prepared.items():
            try:
                result = result_of(self.send(context, each))
            except DatabaseUnavailableError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; kept, retried
                result = result_of(error)
            yield row, result

    @abstractmethod
    def send(self, context: CallContext, prepared: Any) -> Outcome:
        """Call the platform and return its outcome."""


class MirrorCall(OutboxCall):
    """A call that copies the current local state, not the state when the row was enqueued.

    The state is read again after the call: if two processes deliver at the same time, the process
    whose call is last sees a difference and repeats the call.
    """

    def deliver(
        self, context: CallContext, prepared: Mapping[int, Any]
    ) -> Generator[tuple[int, CallResult], None, None]:
        left = dict(prepared)
        for _ in range(_MOST_REPEATS):
            states = self._read(context, left)
            changed: dict[int, Any] = {}
            for row, result in self._copied(context.provider, states):
                one = {row: left[row]}
                if result is DONE and self._read(context, one)[row] != states[row]:
                    changed |= one
                else:
                    yield row, result
            left = changed
            if not left:
                return
        for row in left:
            yield row, result_of(Outcome.UNKNOWN)

    def _copied(
        self, provider: Provider, states: Mapping[int, Any]
    ) -> Iterator[tuple[int, CallResult]]:
        """Copy each state once, and yield the result of its rows."""
        rows: dict[Any, list[int]] = {}
        for row, state in states.items():
            rows.setdefault(state, []).append(row)
        yield from ((row, DONE) for row in rows.pop(None, ()))
        if rows:
            for state, result in self._copy(provider, [*rows]):
                yield from ((row, result) for row in rows[state])

    def _read(self, context: CallContext, prepared: Mapping[int, Any]) -> dict[int, Any]:
        with context.database.read() as tx:
            return {row: self._read_state(tx, each) for row, each in prepared.items()}

    @abstractmethod
    def _read_state(self, tx: Transaction, prepared: Any) -> Any:
        """Return the local state, which is hashable, or None if there is nothing to copy."""

    @abstractmethod
    def _copy(self, provider: Provider, states: Sequence[Any]) -> Iterable[tuple[Any, CallResult]]:
        """Make the platform's state equal to the local one; yield each state with its result."""
