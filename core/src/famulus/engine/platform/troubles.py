"""What a platform has refused, or could not be told yet, for the log and for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from famulus.engine.platform.outbox import Telling
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, literal
from famulus.model.transaction import Row, Transaction

#: What each kind of row tells the platform, in a sentence that begins with "it".
DEEDS: Mapping[str, str] = MappingProxyType(
    {
        Telling.OPEN_PLACES: "to open places",
        Telling.MOVE_END: "when its places close",
        Telling.CLOSE_PLACES: "to close its places",
        Telling.DISPOSE: "to tidy up",
        Telling.DECIDE: "a verdict",
        Telling.PAY: "to pay",
        Telling.QUALIFY: "a qualification",
        Telling.BLOCK: "a block",
    }
)
#: Rows that are looked at: of more, the first are as good as all.
_MOST = 1_000


@frozen(kw_only=True)
class Trouble:
    """Rows of one kind that a platform has refused, or that wait for another attempt."""

    kind: Telling
    is_refused: bool
    rows: int
    #: why the newest of them was not told; empty where that has not been tried
    error: str

    def __str__(self) -> str:
        times = "" if self.rows == 1 else f" ({self.rows} times)"
        state = "has refused" if self.is_refused else "is still to be told"
        why = f": {self.error}" if self.error else ""
        return f"the platform {state} {DEEDS[self.kind]}{times}{why}"


def read_troubles(tx: Transaction, run: int) -> list[Trouble]:
    """Return what a run's platform has refused or could not be told so far, by kind."""
    failed = Outbox.status == literal(OutboxStatus.FAILED)
    waiting = (Outbox.status == literal(OutboxStatus.PENDING)) & (Outbox.attempts > 0)
    troubles = []
    for is_refused, condition in ((True, failed), (False, waiting)):
        rows = tx.rows(
            Outbox.select(Outbox.kind, Outbox.error)
            .where(Outbox.run == run, condition)
            .order_by(Outbox.id)
            .limit(_MOST)
        )
        for kind in Telling:
            errors = [row.error for row in rows if row.kind == kind]
            if errors:
                troubles.append(
                    Trouble(kind=kind, is_refused=is_refused, rows=len(errors), error=errors[-1])
                )
    return troubles


def report(row: Row, *, is_refused: bool, error: str) -> str:
    """Return what the log says of a row that was not told, and what to do about it."""
    subject, deed = _subject(row), DEEDS.get(row.kind, row.kind)
    command = "`famulus sync`" if row.run_id is None else f"`famulus sync {row.run_id}`"
    if not is_refused:
        return (
            f"{subject}: the platform cannot be told {deed}: {error}; it is told again by itself, "
            f"or at once by {command}"
        )
    if row.kind == Telling.PAY:
        return (
            f"{subject}: the platform has refused {deed}: {error}; "
            f"`famulus payments --run {row.run_id}` says what can be done"
        )
    return (
        f"{subject}: the platform has refused {deed}: {error}; once that is mended, {command} "
        "tells it again"
    )


def report_end(row: Row) -> str:
    """Return what the log says once a row was told of a kind that had to wait."""
    return f"{_subject(row)}: the platform could be told {DEEDS.get(row.kind, row.kind)} again"


def _subject(row: Row) -> str:
    return f"requester {row.requester_id}" if row.run_id is None else f"run {row.run_id}"
