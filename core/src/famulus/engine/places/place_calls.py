"""The calls that open, pause and end places, and that move the time at which they close."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Outcome,
    RunView,
)
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.outbox_rows import UNLISTED, OutboxKind
from famulus.engine.outbox.platform_call import CallContext, CallResult, CallStatus, PlatformCall
from famulus.engine.places.place_changes import close_all, uncount_refused
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction

#: Places that are added by one call.
PLACES_PER_CALL = 20


class SetPlacesCall(PlatformCall):
    """Payload: ``total``, and ``reached``, the part of the total that calls have asked for so far.

    Of the total, ``gone`` places were closed; ``visit`` was the newest visit at that time. The
    total is raised in several calls, so that a closing need not wait for all of them.
    """

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Row | None:
        return None if outbox_rows.is_closed_later(tx, row) else row

    def send(self, context: CallContext, prepared: Row) -> Outcome:
        payload, total = prepared.payload, prepared.payload["total"]
        reached = payload["reached"]
        while True:
            run = evolve(context.run_view(), gone_places=payload["gone"])
            portion = min(reached + PLACES_PER_CALL, total)
            context.provider.set_places(run, portion)
            if portion == total or not self._renew(
                context, prepared, {**payload, "reached": portion}
            ):
                return Outcome.CONFIRMED
            reached = portion

    def record(self, tx: Transaction, row: Row, prepared: Row | None, result: CallResult) -> None:
        super().record(tx, row, prepared, result)
        if result.status is CallStatus.REFUSED:
            uncount_refused(tx, row)
        if prepared is not None and outbox_rows.is_closed_since(tx, row):
            # The claim was lost, and which of the two calls came last is unknown.
            close_all(tx, row.run_id)

    def _renew(self, context: CallContext, row: Row, payload: Any) -> bool:
        return context.database.write(
            lambda tx: outbox_rows.renew_claim(tx, row, self.lease, context.process, payload)
        )


class MoveEndCall(PlatformCall):
    """No payload: the end is read at the time of the call."""

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return None if outbox_rows.is_closed_later(tx, row) else row.payload

    def send(self, context: CallContext, prepared: Any) -> Outcome:
        context.provider.move_end(context.run_view())
        return Outcome.CONFIRMED


class PausePlacesCall(PlatformCall):
    """Payload: what :func:`close_all` stores for later openings.

    ``unlisted`` is set once all places that the platform lists are closed. The run may have been
    resumed since, so only the places numbered below ``gone`` are to be closed then.
    """

    def send(self, context: CallContext, prepared: Any) -> Outcome:
        self.close(context.provider, _view(context, prepared))
        return Outcome.CONFIRMED

    def close(self, provider: Provider, run: RunView) -> None:
        """Call the provider."""
        provider.pause_places(run)

    def record(self, tx: Transaction, row: Row, prepared: Any, result: CallResult) -> None:
        if result.is_rest_unlisted:
            outbox_rows.postpone(tx, row, result.error, result.retry_after, is_rest_unlisted=True)
        else:
            super().record(tx, row, prepared, result)
        if result.status is CallStatus.DONE:
            outbox_rows.supersede_places(tx, row.run_id, before=row.id)
        is_of_all = prepared is not None and not prepared.get(UNLISTED)
        if is_of_all and _is_opened_since(tx, row):
            # The claim was lost: the places that count as open may be those that were closed.
            close_all(tx, row.run_id)


class EndPlacesCall(PausePlacesCall):
    """The payload is that of :class:`PausePlacesCall`."""

    def close(self, provider: Provider, run: RunView) -> None:
        """Call the provider."""
        provider.end_places(run)


def _view(context: CallContext, payload: Any) -> RunView:
    """Return the run; ``gone_places`` is set if only places with lower numbers are to be closed."""
    gone = payload["gone"] if payload.get(UNLISTED) else 0
    return evolve(context.run_view(), gone_places=gone)


def _is_opened_since(tx: Transaction, row: Row) -> bool:
    """Return whether a later row that opens places was delivered or is being delivered."""
    is_begun = (OutboxTable.status == literal(OutboxStatus.DONE)) | (
        OutboxTable.claimed_until.is_null(False)
    )
    query = OutboxTable.select(OutboxTable.id).where(
        OutboxTable.run == row.run_id,
        OutboxTable.kind == OutboxKind.SET_PLACES.value,
        OutboxTable.id > row.id,
        is_begun,
    )
    return tx.row(query.limit(1)) is not None
