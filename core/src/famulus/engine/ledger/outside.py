"""Payments that are owed to workers, and that a person has made outside of the platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from attrs import frozen

from famulus.engine.status import Change, change_payment
from famulus.errors import Problem, UsageError
from famulus.model.money import from_minor
from famulus.model.statements import for_update
from famulus.model.states import PaymentStatus
from famulus.model.tables import PaymentTable
from famulus.model.transaction import Row, Transaction
from famulus.names import check_text

#: Rows that one statement reads or changes.
_BATCH = 500
_LONGEST_NOTE = 4000


@frozen(kw_only=True)
class Transfer:
    """Money that a worker got outside of the platform, and the payments that it settles."""

    #: numbers of the ledger
    payments: Sequence[int]
    #: in the currency's main unit; None if it is not known
    amount: Decimal | None = None
    currency: str = ""
    #: where it is listed
    file: Path | None = None
    line: int | None = None

    def problem(self, message: str) -> Problem:
        """Return a problem with this transfer."""
        return Problem(message, file=self.file, line=self.line)


def mark_paid(tx: Transaction, transfers: Sequence[Transfer], note: str) -> list[int]:
    """Mark owed payments as paid, all or none; return the numbers of the newly marked ones.

    A payment that was marked with the same note stays as it is.

    :param note: how they were paid, such as the number of a bank transfer.
    :raises famulus.UsageError: for an empty note or one that cannot be stored, and with each
        payment that is not owed, that was marked with another note, or that has another amount than
        the transfer.
    """
    note = note.strip()
    if not note:
        raise UsageError("a note is needed: how it was paid, such as the number of a transfer")
    if len(note) > _LONGEST_NOTE:
        raise UsageError(f"the note has {len(note)} of at most {_LONGEST_NOTE} characters")
    check_text(note, "note")
    rows = _locked(tx, sorted({each for transfer in transfers for each in transfer.payments}))
    problems = [*_repetitions(transfers)]
    for transfer in transfers:
        problems += map(transfer.problem, _faults(transfer, rows, note))
    if problems:
        raise UsageError(problems)
    owed = [row for row in rows.values() if row.status is PaymentStatus.OWED]
    for row in owed:
        change_payment(
            tx,
            Change(
                run=row.run_id,
                id=row.id,
                old=PaymentStatus.OWED,
                new=PaymentStatus.CONFIRMED,
                cause="paid outside",
            ),
        )
    numbers = [row.id for row in owed]
    for batch in _batches(numbers):
        tx.execute(PaymentTable.update(note=note).where(PaymentTable.id << batch))
    return numbers


def _locked(tx: Transaction, numbers: Sequence[int]) -> dict[int, Row]:
    found = {}
    for batch in _batches(numbers):
        query = PaymentTable.select().where(PaymentTable.id << batch).order_by(PaymentTable.id)
        found.update({row.id: row for row in tx.rows(for_update(query, tx.kind))})
    return found


def _batches(numbers: Sequence[int]) -> Iterator[list[int]]:
    for first in range(0, len(numbers), _BATCH):
        yield list(numbers[first : first + _BATCH])


def _repetitions(transfers: Sequence[Transfer]) -> Iterator[Problem]:
    """Yield a problem for each payment that is in two transfers."""
    seen: dict[int, Transfer] = {}
    for transfer in transfers:
        for number in transfer.payments:
            first = seen.setdefault(number, transfer)
            if first is not transfer:
                yield transfer.problem(f"payment {number} is in line {first.line} already")


def _faults(transfer: Transfer, rows: Mapping[int, Row], note: str) -> Iterator[str]:
    faults = [_fault(number, rows.get(number), note) for number in transfer.payments]
    yield from filter(None, faults)
    if any(faults) or transfer.amount is None:
        return
    paid = [rows[number] for number in set(transfer.payments)]
    sums = {
        currency: sum(row.amount for row in paid if row.currency == currency)
        for currency in {row.currency for row in paid}
    }
    expected = {currency: from_minor(units, currency) for currency, units in sums.items()}
    if expected != {transfer.currency: transfer.amount}:
        owed = " and ".join(f"{amount} {currency}" for currency, amount in expected.items())
        yield (
            f"{transfer.amount} {transfer.currency} were listed, and these payments are {owed} "
            "now; list again what is owed"
        )


def _fault(number: int, row: Row | None, note: str) -> str:
    """Return why a payment cannot be marked, or an empty text."""
    if row is None:
        return f"there is no payment {number}; `famulus payments owed` lists what is owed"
    if row.status is PaymentStatus.OWED or (row.note and row.note == note):
        return ""
    if row.note:
        return f"payment {number} was marked as paid before, with the note {row.note!r}"
    if row.status is PaymentStatus.FAILED:
        return f"payment {number} is not owed: {row.error}"
    return f"payment {number} is {row.status}: its platform pays it"
