"""The calls that open and close places, and that move the time at which they close."""

from __future__ import annotations

from typing import Any

from famulus.contracts.provider import Capabilities, Outcome
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.platform_call import CallContext, CallResult, CallStatus, PlatformCall
from famulus.engine.places.place_changes import close_all, uncount_refused
from famulus.model.transaction import Row, Transaction

#: Places that are opened by one call.
PLACES_PER_CALL = 20


class OpenPlacesCall(PlatformCall):
    """Payload: ``first`` and ``count`` of the places that are still to be opened.

    Places are opened in several calls, so that a closing need not wait for all of them.
    """

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Row | None:
        return None if outbox_rows.is_closed_later(tx, row) else row

    def send(self, context: CallContext, prepared: Row) -> Outcome:
        first, count = prepared.payload["first"], prepared.payload["count"]
        for start in range(0, count, PLACES_PER_CALL):
            rest = {"first": first + start, "count": count - start}
            if start and not self._renew(context, prepared, rest):
                break
            end = min(start + PLACES_PER_CALL, count)
            context.provider.open_places(context.run_view(), range(first + start, first + end))
        return Outcome.CONFIRMED

    def record(self, tx: Transaction, row: Row, prepared: Row | None, result: CallResult) -> None:
        super().record(tx, row, prepared, result)
        if result.status is CallStatus.REFUSED:
            uncount_refused(tx, row)
        if prepared is not None and outbox_rows.is_closed_since(tx, row):
            # The claim was lost, and which of the two calls came last is unknown.
            close_all(tx, row.run_id)

    def _renew(self, context: CallContext, row: Row, rest: Any) -> bool:
        return context.database.write(
            lambda tx: outbox_rows.renew_claim(tx, row, self.lease, context.process, rest)
        )


class MoveEndCall(PlatformCall):
    """No payload: the end is read at the time of the call."""

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return None if outbox_rows.is_closed_later(tx, row) else row.payload

    def send(self, context: CallContext, prepared: Any) -> Outcome:
        context.provider.move_end(context.run_view())
        return Outcome.CONFIRMED


class ClosePlacesCall(PlatformCall):
    """No payload."""

    def send(self, context: CallContext, prepared: Any) -> Outcome:
        context.provider.close_places(context.run_view())
        return Outcome.CONFIRMED

    def record(self, tx: Transaction, row: Row, prepared: Any, result: CallResult) -> None:
        super().record(tx, row, prepared, result)
        if result.status is CallStatus.DONE:
            outbox_rows.supersede_places(tx, row.run_id, before=row.id)
