"""How each kind of row is told to a platform: what is written before the call, and what after."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.provider import Capabilities, Outcome, Provider, RunView
from famulus.engine.platform import outbox
from famulus.engine.platform.places import close_all, uncount_refused
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import GrantedQualification, Qualification, Worker
from famulus.model.transaction import Row, Transaction

#: How often what is true here may change while it is being told, before it is told later.
_MOST_LOOKS = 5
#: Places that are opened by one call.
PLACES_TOGETHER = 20


class Effect(StrEnum):
    """What a call to a platform has done."""

    DONE = "done"
    #: surely nothing, and it will be the same again until somebody changes something
    REFUSED = "refused"
    #: surely nothing; it may work later
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class End:
    """How a telling has ended, and why if it is not done."""

    effect: Effect
    error: str = ""


@frozen(kw_only=True)
class Platform:
    """Where things are told."""

    database: Database
    provider: Provider
    #: the identity of the process that tells it
    process: str
    #: reads the run as it is now; None where a requester's account is all there is
    run: Callable[[], RunView] | None

    def run_view(self) -> RunView:
        """Return the run as it is now."""
        assert self.run is not None
        return self.run()


class PlatformCall(ABC):
    """How one kind of row is told."""

    #: After this time nobody is taken to be telling a row that is not yet told.
    lease: ClassVar[timedelta] = timedelta(minutes=2)

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        """Write what has to be written before the call; return what to call with, or None where
        there is nothing left to be told.

        :raises famulus.UnavailableError: when it cannot be told yet.
        :raises famulus.RefusedError: when it never can.
        """
        return row.payload

    @abstractmethod
    def tell(self, platform: Platform, begun: Any) -> Outcome:
        """Call the platform."""

    def end(self, tx: Transaction, row: Row, begun: Any, end: End) -> None:
        """Write how it ended. ``begun`` is None where :meth:`begin` has raised."""
        if end.effect is Effect.DONE:
            outbox.end(tx, row, OutboxStatus.DONE)
        elif end.effect is Effect.REFUSED:
            outbox.end(tx, row, OutboxStatus.FAILED, end.error)
        else:
            outbox.postpone(tx, row, end.error)


class OpeningPlaces(PlatformCall):
    """Payload: ``first`` and ``count``, of what is still to be opened.

    Places are opened a few at a time: a closing is not kept waiting for all of them.
    """

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Row | None:
        return None if outbox.is_closed_later(tx, row) else row

    def tell(self, platform: Platform, begun: Row) -> Outcome:
        first, count = begun.payload["first"], begun.payload["count"]
        for start in range(0, count, PLACES_TOGETHER):
            left = {"first": first + start, "count": count - start}
            if start and not self._goes_on(platform, begun, left):
                break
            end = min(start + PLACES_TOGETHER, count)
            platform.provider.open_places(platform.run_view(), range(first + start, first + end))
        return Outcome.CONFIRMED

    def end(self, tx: Transaction, row: Row, begun: Row | None, end: End) -> None:
        super().end(tx, row, begun, end)
        if end.effect is Effect.REFUSED:
            uncount_refused(tx, row)
        if begun is not None and outbox.is_closed_since(tx, row):
            # The claim was lost, and nobody knows which of the two calls came last.
            close_all(tx, row.run_id)

    def _goes_on(self, platform: Platform, row: Row, left: Any) -> bool:
        return platform.database.write(
            lambda tx: outbox.renew_claim(tx, row, self.lease, platform.process, left)
        )


class MovingEnd(PlatformCall):
    """No payload: the end is what it is by then."""

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return None if outbox.is_closed_later(tx, row) else row.payload

    def tell(self, platform: Platform, begun: Any) -> Outcome:
        platform.provider.move_end(platform.run_view())
        return Outcome.CONFIRMED


class ClosingPlaces(PlatformCall):
    """No payload."""

    def tell(self, platform: Platform, begun: Any) -> Outcome:
        platform.provider.close_places(platform.run_view())
        return Outcome.CONFIRMED

    def end(self, tx: Transaction, row: Row, begun: Any, end: End) -> None:
        super().end(tx, row, begun, end)
        if end.effect is Effect.DONE:
            outbox.supersede_places(tx, row.run_id, before=row.id)


class Mirroring(PlatformCall):
    """Tells what is true here at that moment, whatever it was when the row was written.

    Two that are told at the same time both look again after their call: the last one to reach the
    platform leaves it as it is here.
    """

    def tell(self, platform: Platform, begun: Any) -> Outcome:
        for _ in range(_MOST_LOOKS):
            truth = self._read(platform, begun)
            self._say(platform.provider, begun, truth)
            if self._read(platform, begun) == truth:
                return Outcome.CONFIRMED
        return Outcome.UNKNOWN

    def _read(self, platform: Platform, begun: Any) -> Any:
        with platform.database.read() as tx:
            return self._truth(tx, begun)

    @abstractmethod
    def _truth(self, tx: Transaction, begun: Any) -> Any: ...

    @abstractmethod
    def _say(self, provider: Provider, begun: Any, truth: Any) -> None: ...


class Qualifying(Mirroring):
    """Payload: ``worker`` and ``qualification`` by their numbers."""

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return row.payload if capabilities.qualifications else None

    def _truth(self, tx: Transaction, begun: Any) -> Any:
        worker = tx.row(Worker.select(Worker.name).where(Worker.id == begun["worker"]))
        named = tx.row(
            Qualification.select(Qualification.name).where(
                Qualification.id == begun["qualification"]
            )
        )
        if worker is None or named is None:
            return None
        held = tx.row(
            GrantedQualification.select(GrantedQualification.value).where(
                GrantedQualification.worker == begun["worker"],
                GrantedQualification.qualification == begun["qualification"],
            )
        )
        return worker.name, named.name, None if held is None else held.value

    def _say(self, provider: Provider, begun: Any, truth: Any) -> None:
        if truth is None:
            return
        worker, qualification, value = truth
        if value is None:
            provider.revoke(worker, qualification)
        else:
            provider.grant(worker, qualification, value)


class Blocking(Mirroring):
    """Payload: ``worker`` by their number, and ``reason``."""

    def _truth(self, tx: Transaction, begun: Any) -> Any:
        row = tx.row(Worker.select(Worker.name, Worker.blocked).where(Worker.id == begun["worker"]))
        return None if row is None else (row.name, bool(row.blocked))

    def _say(self, provider: Provider, begun: Any, truth: Any) -> None:
        if truth is None:
            return
        worker, blocked = truth
        (provider.block if blocked else provider.unblock)(worker, begun.get("reason", ""))
