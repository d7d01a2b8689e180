"""``famulus payments owed`` and ``famulus payments paid``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import click

from famulus.cli.arguments import run_number
from famulus.cli.atomic_file import text_on, whole_file
from famulus.cli.export_formats import without_formulas
from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.cli.words import counted
from famulus.data.owed import OwedSum, list_owed
from famulus.engine.ledger.outside import Transfer
from famulus.plugins import discover
from famulus.review.outside_payments import mark_transfers, read_payee_names, read_transfers

_HEAD = ("WORKER", "NAME", "PROVIDER", "OWED", "PAYMENTS")
_COLUMNS = ("worker", "name", "provider", "amount", "currency", "payments", "numbers")

#: Names of those who are paid, by provider and worker.
Names = Mapping[tuple[str, str], str]


def owed(
    session: Session,
    scope: str | None,
    task: str | None,
    as_csv: bool,
    output: str | None,
    as_json: bool,
) -> None:
    """List what each worker is owed and is paid outside of the platform."""
    if scope is not None and task is not None:
        raise click.UsageError("name one TASK, not two")
    if as_json and (as_csv or output is not None):
        raise click.UsageError("choose --json or --csv")
    is_run = scope is not None and scope.isascii() and scope.isdigit()
    with session.open_existing() as database:
        found = list_owed(
            database,
            run=run_number(scope) if is_run and scope is not None else None,
            task=task if is_run or scope is None else scope,
        )
        names, problems = read_payee_names(database, discover(), found)
    session.warn(*problems)
    if as_json:
        say_json([_json(each, names) for each in found])
    elif output is not None:
        with whole_file(Path(output)) as stream:
            _write_csv(found, names, stream)
        say(f"Wrote {counted(len(found), 'line')} to {output}.", err=True)
    elif as_csv:
        with text_on(sys.stdout.buffer) as stream:
            _write_csv(found, names, stream)
    elif found:
        rows = [_row(each, names) for each in found]
        for line in [*table([_HEAD, *rows]), "", *_together(found)]:
            say(line)
        say(f"`{session.command('payments', 'paid')} NUMBERS --note TEXT` marks what was paid.")
    else:
        say("Nothing is owed.", err=True)


def paid(session: Session, numbers: tuple[int, ...], file: str | None, note: str) -> None:
    """Mark the payments NUMBERS, or those of a list, as paid outside of the platform."""
    if bool(numbers) == (file is not None):
        raise click.UsageError("give NUMBERS, or a list with --file")
    transfers = [Transfer(payments=numbers)] if file is None else read_transfers(Path(file))
    with session.open_existing() as database:
        marked = mark_transfers(database, transfers, note=note)
    named = {number for transfer in transfers for number in transfer.payments}
    for line in _sums((each.currency, each.amount) for each in marked):
        say(f"Marked as paid: {line}.")
    if before := len(named) - len(marked):
        say(f"{counted(before, 'payment')} marked with this note before.")


def _row(each: OwedSum, names: Names) -> tuple[str, ...]:
    return (
        each.worker,
        _name(each, names),
        each.provider_type,
        f"{each.amount} {each.currency}",
        ", ".join(map(str, each.payments)),
    )


def _name(each: OwedSum, names: Names) -> str:
    return names.get((each.provider_type, each.worker), "")


def _together(found: Sequence[OwedSum]) -> Iterable[str]:
    workers = len({(each.provider_type, each.worker) for each in found})
    sums = " and ".join(_sums((each.currency, each.amount) for each in found))
    number = sum(len(each.payments) for each in found)
    yield f"Together: {sums} in {counted(number, 'payment')} to {counted(workers, 'worker')}."


def _sums(amounts: Iterable[tuple[str, Decimal]]) -> list[str]:
    """Return the sum of amounts in each currency."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return [f"{amount:,} {currency}" for currency, amount in sums.items()]


def _json(each: OwedSum, names: Names) -> dict[str, Any]:
    return {
        "worker": each.worker,
        "name": _name(each, names) or None,
        "provider": each.provider_type,
        "amount": str(each.amount),
        "currency": each.currency,
        "payments": list(each.payments),
    }


def _write_csv(found: Iterable[OwedSum], names: Names, stream: TextIO) -> None:
    """Write one row per sum; escape names that a spreadsheet would run as formulas."""
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for each in found:
        record = {
            **_json(each, names),
            "payments": len(each.payments),
            # With commas, a spreadsheet would take some lists for a number.
            "numbers": " ".join(map(str, each.payments)),
        }
        writer.writerow(without_formulas(record))
