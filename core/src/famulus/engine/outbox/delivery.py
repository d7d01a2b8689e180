"""Delivery of outbox rows: each at least once, and again after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from attrs import field, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.due_rows import select_due
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.platform_call import (
    DONE,
    NO_RESULT,
    CallContext,
    CallResult,
    CallStatus,
    OutboxCall,
    result_of,
)
from famulus.engine.outbox.stored_verdicts import rows_in_ledger
from famulus.engine.outbox.undelivered import (
    describe_recovery,
    describe_undelivered,
    rows_refused_for_good,
)
from famulus.errors import RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.transaction import Row, Transaction
from famulus.process import ProcessIdentity

_log = logging.getLogger(__name__)

#: Rows of one round.
_ROUND = 50


@frozen(kw_only=True)
class OutboxDelivery:
    """Delivers the outbox rows of one run and of its requester's account.

    Operators and commands each make one of their own: a row is claimed by one of them, and another
    takes it over once the claim has run out.
    """

    database: Database
    provider: Provider
    #: by kind, as text: a newer version may have enqueued kinds that this one does not know
    calls: Mapping[str, OutboxCall]
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
            due = select_due(
                tx, run=self.run_id, requester=self.requester, most=_ROUND, kinds=kinds
            )
        return sum(self._deliver_batch(rows) for rows in self._batches(due))

    def deliver_all(self) -> int:
        """Deliver until no row can be delivered now; return how many were delivered or refused."""
        total = 0
        while delivered := self.deliver():
            total += delivered
        return total

    def _batches(self, due: Iterable[Row]) -> Sequence[Sequence[Row]]:
        """Return the rows of each call.

        A row joins the first call for its kind that has room. Payments come last: platforms pay a
        bonus only after the verdict on its work.
        """
        batches: list[list[Row]] = []
        newest: dict[str, list[Row]] = {}
        for row in sorted(due, key=lambda row: row.kind == OutboxKind.PAY):
            batch = newest.get(row.kind)
            call = self.calls.get(row.kind)
            if batch is None or call is None or len(batch) >= call.batch_size(self.provider):
                batch = newest[row.kind] = []
                batches.append(batch)
            batch.append(row)
        return batches

    def _deliver_batch(self, rows: Sequence[Row]) -> int:
        """Deliver rows of one kind by one call; return how many were delivered or refused."""
        kind = rows[0].kind
        call = self.calls.get(kind)
        if call is None:
            reason = (
                f"this version of Famulus cannot deliver outbox rows of the kind {kind!r}; "
                "install a newer one"
            )
            self.database.write(lambda tx: outbox_rows.postpone(tx, rows[0], reason))
            result = CallResult(status=CallStatus.FAILED, error=reason)
            self._log(rows[0], result)
            return 0
        delivered = 0
        batch: dict[int, tuple[Row, Any]] = {}
        for row in rows:
            try:
                claimed = self.database.write(
                    partial(self._claim, call=call, row=row, together=batch.keys())
                )
            except (UnavailableError, RefusedError) as error:
                delivered += self._record(call, row, None, result_of(error))
                continue
            for each, prepared in claimed:
                if prepared is None:
                    delivered += self._record(call, each, None, DONE)
                else:
                    batch[each.id] = each, prepared
        return delivered + (self._call(call, batch) if batch else 0)

    def _claim(
        self, tx: Transaction, *, call: OutboxCall, row: Row, together: Collection[int]
    ) -> list[tuple[Row, Any]]:
        """Claim a row and prepare its call; return it and its companions, or nothing if it waits.

        :param together: the ids of the rows that were claimed for the same call.
        """
        until = call.wait_until(tx, row, together)
        if until is not None:
            outbox_rows.put_off(tx, row, until)
            return []
        claimed = outbox_rows.claim(tx, row, call.lease, self.process)
        if claimed is None:
            return []
        others = [each for each in call.companions(tx, row) if each.id not in together]
        found = [outbox_rows.claim(tx, each, call.lease, self.process) for each in others]
        capabilities = self.provider.capabilities
        return [
            (each, call.prepare(tx, each, capabilities))
            for each in (claimed, *found)
            if each is not None
        ]

    def _call(self, call: OutboxCall, batch: Mapping[int, tuple[Row, Any]]) -> int:
        """Call the platform and record the result of each row as it comes.

        While results come, the claims on the other rows are extended. A process that has lost a
        claim ends the call: another process has begun to deliver the row.
        """
        context = CallContext(
            database=self.database, provider=self.provider, process=self.process, run=self.run
        )
        left, delivered = dict(batch), 0
        extended = self.database.clock()
        lost: frozenset[int] = frozenset()
        prepared = {number: each for number, (_, each) in batch.items()}
        with closing(call.deliver(context, prepared)) as results:
            for number, result in results:
                delivered += self._record(call, *left.pop(number), result)
                if left and self.database.clock() - extended >= call.lease / 4:
                    extended = self.database.clock()
                    lost = self._lost_claims(call, left)
                    if lost:
                        break
        for number, (row, each) in left.items():
            if number not in lost:
                delivered += self._record(call, row, each, NO_RESULT)
        return delivered

    def _lost_claims(self, call: OutboxCall, rows: Collection[int]) -> frozenset[int]:
        """Extend the claims on rows; return the rows that another process has claimed."""
        return frozenset(rows) - self.database.write(
            lambda tx: outbox_rows.renew_claims(tx, rows, call.lease, self.process)
        )

    def _record(self, call: OutboxCall, row: Row, prepared: Any, result: CallResult) -> bool:
        """Store the result of a row and log it; return whether it was delivered or refused."""

        def store(tx: Transaction) -> tuple[bool, bool]:
            call.record(tx, row, prepared, result)
            if result.status is not CallStatus.REFUSED:
                return False, False
            return bool(rows_in_ledger(tx, [row])), bool(rows_refused_for_good(tx, [row]))

        in_ledger, is_final = self.database.write(store)
        self._log(row, result, in_ledger=in_ledger, is_final=is_final)
        return result.status in (CallStatus.DONE, CallStatus.REFUSED)

    def _log(
        self, row: Row, result: CallResult, *, in_ledger: bool = False, is_final: bool = False
    ) -> None:
        """Log each refusal, and once per kind of row that its rows wait and that they recover."""
        if result.status is CallStatus.DONE:
            if self._waiting.pop(row.kind, None) is not None:
                _log.warning("%s", describe_recovery(row))
        elif result.status is CallStatus.REFUSED:
            is_owed = result.is_owed and row.kind == OutboxKind.PAY
            text = describe_undelivered(
                row,
                is_refused=True,
                error=result.error,
                in_ledger=in_ledger,
                is_final=is_final,
                is_owed=is_owed,
            )
            _log.log(logging.WARNING if is_owed else logging.ERROR, "%s", text)
        elif result.is_accepted:
            _log.info("%s", describe_undelivered(row, is_refused=False, error=result.error))
        elif result.error not in (row.error, self._waiting.get(row.kind)):
            self._waiting[row.kind] = result.error
            text = describe_undelivered(row, is_refused=False, error=result.error)
            _log.warning("%s", text, exc_info=result.fault)
