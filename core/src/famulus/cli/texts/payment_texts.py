"""Payments as a table, as sums and as JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from famulus.cli.session import Session
from famulus.cli.texts.columns import aligned, wrapped
from famulus.cli.texts.words import counted
from famulus.data.payments import PaymentRecord, PaymentTotal, payment_totals
from famulus.iso_time import iso
from famulus.model.states import PaymentStatus

_HEAD = ("PAYMENT", "RUN", "UNIT", "KIND", "STATUS", "AMOUNT", "FEE", "WORKER", "ABOUT")
#: Payments of which it is said who is making them.
_MOST_CLAIMS = 5
_SUMS = ("", "PAYMENTS", "AMOUNT", "FEES", "TOGETHER")


def payment_lines(payments: Sequence[PaymentRecord]) -> list[str]:
    """Return a line a payment, and below it what it is about where that needs more room."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return wrapped([_HEAD, *map(_row, payments)], width)


def total_lines(totals: Sequence[PaymentTotal]) -> list[str]:
    """Return what payments come to by status, and together where they have several."""
    rows = [(_sum(total.status.value, [total])) for total in totals]
    for currency in dict.fromkeys(total.currency for total in totals):
        paid = [
            total
            for total in totals
            if total.currency == currency and total.status is not PaymentStatus.FAILED
        ]
        if len(paid) > 1:
            rows.append(_sum("all but failed", paid))
    return aligned([_SUMS, *rows])


def hints(payments: Sequence[PaymentRecord], session: Session) -> Iterator[str]:
    """Yield what to do about payments that did not end well."""
    number = {
        status: sum(payment.status is status for payment in payments) for status in PaymentStatus
    }
    settle = session.command("payments", "settle")
    yield from _claims(payments)
    if number[PaymentStatus.UNKNOWN] or number[PaymentStatus.SENT]:
        unknown = number[PaymentStatus.UNKNOWN] + number[PaymentStatus.SENT]
        yield f"Nobody knows yet how {counted(unknown, 'payment')} ended; `{settle}` asks."
    if number[PaymentStatus.PLANNED]:
        planned = counted(number[PaymentStatus.PLANNED], "payment")
        yield f"The platform is still to be told of {planned}; `{settle}` does it now."
    if number[PaymentStatus.FAILED]:
        retry = session.command("payments", "retry")
        yield f"`{retry} PAYMENT` makes a failed one again."
    if payments and all(payment.sandbox for payment in payments):
        yield "All of it is a sandbox's: no money was paid."


def _claims(payments: Sequence[PaymentRecord]) -> Iterator[str]:
    """Yield who is speaking to a platform about payments, and when that is known to have failed."""
    claimed = [
        (payment, payment.payer_until) for payment in payments if payment.payer_until is not None
    ]
    for payment, until in claimed[:_MOST_CLAIMS]:
        yield (
            f"Payment {payment.id} is in the hands of {payment.payer}; should that have died, the "
            f"platform can be asked from {iso(until)} on."
        )
    if len(claimed) > _MOST_CLAIMS:
        yield f"So are {counted(len(claimed) - _MOST_CLAIMS, 'more payment')}."


def payments_json(payments: Sequence[PaymentRecord]) -> dict[str, Any]:
    """Return payments and their sums as JSON; amounts are exact, as text."""
    return {
        "payments": [_json(payment) for payment in payments],
        "totals": [
            {
                "currency": total.currency,
                "status": total.status.value,
                "payments": total.number,
                "amount": str(total.amount),
                "fees": str(total.fees),
            }
            for total in payment_totals(payments)
        ],
    }


def payment_sentence(payment: PaymentRecord) -> str:
    """Return what has become of one payment."""
    what = f"{payment.kind.capitalize()} of {payment.amount} {payment.currency} to {payment.worker}"
    fee = f", with a fee of {payment.fee}" if payment.fee else ""
    why = f": {payment.error}" if payment.error else ""
    return f"Payment {payment.id}: {what}{fee}: {payment.status}{why}"


def _row(payment: PaymentRecord) -> tuple[str, ...]:
    return (
        str(payment.id),
        str(payment.run),
        "" if payment.unit is None else str(payment.unit),
        payment.kind.value,
        payment.status.value,
        f"{payment.amount} {payment.currency}",
        str(payment.fee) if payment.fee else "",
        payment.worker,
        payment.error or payment.reason,
    )


def _sum(name: str, totals: Sequence[PaymentTotal]) -> tuple[str, ...]:
    amount = sum((total.amount for total in totals), Decimal(0))
    fees = sum((total.fees for total in totals), Decimal(0))
    number = sum(total.number for total in totals)
    together = f"{amount + fees:,} {totals[0].currency}"
    return name, f"{number:,}", f"{amount:,}", f"{fees:,}", together


def _json(payment: PaymentRecord) -> dict[str, Any]:
    return {
        "payment": payment.id,
        "kind": payment.kind.value,
        "status": payment.status.value,
        "run": payment.run,
        "task": payment.task_name,
        "provider": payment.provider_type,
        "worker": payment.worker,
        "unit": payment.unit,
        "amount": str(payment.amount),
        "fee": str(payment.fee),
        "currency": payment.currency,
        "reason": payment.reason,
        "error": payment.error or None,
        "payer": payment.payer or None,
        "payer_until": None if payment.payer_until is None else iso(payment.payer_until),
        "created_at": iso(payment.created_at),
        "changed_at": iso(payment.changed_at),
    }
