"""Payments outside of the platform: who gets them, and marking them as paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from famulus.csv_table import CsvColumns, CsvRow, read_csv_table, refuse_table
from famulus.data.owed import OwedSum
from famulus.data.payments import PaymentRecord, find_payments
from famulus.engine.ledger import outside
from famulus.engine.ledger.outside import Transfer
from famulus.engine.platform.bound_provider import requester_provider
from famulus.errors import NotFoundError, Problem, UsageError, reason
from famulus.model.database import Database
from famulus.model.tables import RequesterTable
from famulus.plugins import Plugins

_COLUMNS = CsvColumns(
    required={
        "numbers": "`famulus payments owed --csv` writes it",
        "amount": "it is compared with what is owed",
        "currency": "",
    },
    ignores_others=True,
)
#: What a database's 64-bit column can hold.
_LARGEST = 2**63 - 1
_MOST_DIGITS = 30


def mark_paid(database: Database, payments: Iterable[int], *, note: str) -> list[PaymentRecord]:
    """Mark owed payments as paid outside of the platform; return those that were not marked yet.

    All are marked, or none. Marking them again with the same note changes nothing.

    :param note: how they were paid, such as the number of a bank transfer.
    :raises famulus.UsageError: for an empty note, and with each payment that is not owed or was
        marked with another note.
    """
    numbers = list(payments)
    return mark_transfers(database, [Transfer(payments=numbers)] if numbers else [], note=note)


def read_transfers(path: Path) -> list[Transfer]:
    """Read a list written by `famulus payments owed`; lines may have been removed from it.

    :raises famulus.UsageError: with all problems of the file, by line.
    """
    problems: list[Problem] = []
    found = [*_parsed(path, problems)]
    refuse_table(path, problems)
    return found


def mark_transfers(
    database: Database, transfers: list[Transfer], *, note: str
) -> list[PaymentRecord]:
    """Mark the payments of transfers as paid, and return them, like :func:`mark_paid`."""
    if not transfers:
        raise UsageError("name the payments that were paid")
    if not database.exists:
        raise NotFoundError(f"the database {database.location.shown} does not exist yet")
    marked = database.write(lambda tx: outside.mark_paid(tx, transfers, note))
    return find_payments(database, ids=marked)


def read_payee_names(
    database: Database, plugins: Plugins, owed: Iterable[OwedSum]
) -> tuple[dict[tuple[str, str], str], list[Problem]]:
    """Ask providers for the names of workers who are owed payments.

    Return them by provider and worker, and a warning for each provider that cannot be asked.
    """
    workers: dict[str, list[str]] = {}
    for each in owed:
        workers.setdefault(each.provider_type, []).append(each.worker)
    found: dict[tuple[str, str], str] = {}
    problems = []
    for kind, asked in workers.items():
        try:
            names = _ask_names(database, plugins, kind, asked)
            found |= {(kind, worker): str(names[worker]) for worker in asked if worker in names}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the sums are right
            message = f"the names of the workers of {kind} are missing: {reason(error)}"
            problems.append(Problem(message, warning=True))
    return found, problems


def _ask_names(
    database: Database, plugins: Plugins, kind: str, workers: Sequence[str]
) -> Mapping[str, str]:
    # A worker's id is unique within the provider, so any account of it can be asked.
    query = RequesterTable.select(RequesterTable.id).where(RequesterTable.provider_type == kind)
    with database.read() as tx:
        row = tx.row(query.order_by(RequesterTable.id).limit(1))
    assert row is not None
    return requester_provider(database, plugins, row.id).payee_names(sorted(set(workers)))


def _parsed(path: Path, problems: list[Problem]) -> Iterator[Transfer]:
    for row in read_csv_table(path, _COLUMNS, problems):
        numbers, amount = _numbers(row), _amount(row)
        if numbers is None or amount is None:
            wrong = "numbers" if numbers is None else "amount"
            kinds = {"numbers": "a list of payments, such as 3 5", "amount": "an amount"}
            message = f"{wrong}: {row.values[wrong]!r} is not {kinds[wrong]}"
            problems.append(Problem(message, file=path, line=row.line))
            continue
        yield Transfer(
            payments=numbers,
            amount=amount,
            currency=row.values["currency"],
            file=path,
            line=row.line,
        )


def _numbers(row: CsvRow) -> list[int] | None:
    words = row.values["numbers"].split()
    # Python reads no numbers of thousands of digits.
    if not all(word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS for word in words):
        return None
    numbers = [int(word) for word in words]
    return numbers if numbers and max(numbers) <= _LARGEST else None


def _amount(row: CsvRow) -> Decimal | None:
    try:
        amount = Decimal(row.values["amount"])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
