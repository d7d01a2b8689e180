"""``famulus payments``, ``famulus bonus`` and ``famulus compensate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import click

from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.cli.words import counted
from famulus.data.payments import PaymentRecord, PaymentTotal, list_payments, payment_totals
from famulus.engine.platform.cleanup import find_pending_cleanups
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.engine.runs import find_run
from famulus.errors import NotFoundError
from famulus.iso_time import iso
from famulus.model.states import PaymentStatus
from famulus.options.suggest import add_hint, nearest
from famulus.review.payment_actions import compensate as pay_compensation
from famulus.review.payment_actions import (
    pay_bonus,
    resolve_payment,
    retry_payment,
    settle_payments,
)

_UNKNOWN = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)


def list_all(session: Session, run: int | None, task: str | None, as_json: bool) -> None:
    """List all payments, or those of a task or of a run."""
    with session.open_existing() as database:
        found = list_payments(database, run=run, task=task)
    _show(session, found, as_json=as_json)


def list_of_task(
    session: Session, ctx: click.Context, task: str, run: int | None, as_json: bool
) -> None:
    """List the payments of all runs of TASK; the options may also stand before TASK."""
    parent = ctx.parent
    assert parent is not None
    assert isinstance(parent.command, click.Group)
    run, as_json = run or parent.params["run"], as_json or parent.params["as_json"]
    if parent.params["task"] is not None:
        raise click.UsageError("name one TASK, not two")
    with session.open_existing() as database:
        try:
            found = list_payments(database, run=run, task=task)
        except NotFoundError as error:
            command = nearest(task, parent.command.commands)
            if command is None:
                raise
            hint = f"did you mean the command {command!r}?"
            raise NotFoundError(add_hint(str(error), hint)) from error
    _show(session, found, as_json=as_json)


def settle(session: Session, ctx: click.Context, run: int | None, as_json: bool) -> None:
    """Ask the platforms about payments whose outcome is unknown, and make those that are due."""
    with session.open_existing() as database:
        found = settle_payments(database, run=run)
        kept = find_pending_cleanups(database, sorted({payment.run for payment in found}))
    _show(session, found, as_json=as_json, nothing="There is nothing to settle.")
    if not as_json:
        for number, reason in kept.items():
            say(f"Run {number}: {reason}.")
    if any(payment.status in _UNKNOWN and not payment.accepted for payment in found):
        ctx.exit(1)


def retry(session: Session, ctx: click.Context, payment: int) -> None:
    """Make the failed payment PAYMENT again."""
    with session.open_existing() as database:
        _report(session, ctx, retry_payment(database, payment))


def resolve(session: Session, payment: int, is_paid: bool | None, note: str) -> None:
    """Record what became of payment PAYMENT, whose outcome the platform does not show."""
    if is_paid is None:
        raise click.UsageError("say --paid or --not-paid")
    with session.open_existing() as database:
        resolved = resolve_payment(database, payment, paid=is_paid, note=note)
    say(payment_sentence(resolved))
    for line in hints([resolved], session):
        say(line)


def bonus(
    session: Session, ctx: click.Context, unit: int, amount: str, reason: str, again: bool
) -> None:
    """Pay AMOUNT as a bonus to the worker who has submitted unit UNIT."""
    with session.open_existing() as database:
        started = database.clock()
        paid = pay_bonus(database, unit, amount, reason=reason, again=again)
    _report(session, ctx, paid, is_new=paid.created_at >= started)


def compensate(
    session: Session,
    ctx: click.Context,
    run: int,
    worker: str,
    amount: str,
    reason: str,
    again: bool,
) -> None:
    """Pay AMOUNT to WORKER, who has lost work on run RUN through no fault of theirs."""
    with session.open_existing() as database:
        payee = find_worker(database, find_run(database, run).provider_type, worker)
        started = database.clock()
        paid = pay_compensation(payee, run, amount, reason=reason, again=again)
    _report(session, ctx, paid, is_new=paid.created_at >= started)


def _show(
    session: Session,
    found: Sequence[PaymentRecord],
    *,
    as_json: bool,
    nothing: str = "There are no payments yet.",
) -> None:
    if as_json:
        say_json(payments_json(found))
        return
    if not found:
        say(nothing, err=True)
        return
    for line in [*payment_lines(found), "", *total_lines(payment_totals(found))]:
        say(line)
    for line in hints(found, session):
        say(line)


def _report(
    session: Session, ctx: click.Context, payment: PaymentRecord, *, is_new: bool = True
) -> None:
    """Print a payment's outcome; exit with 1 unless it is made or will be."""
    note = "" if is_new else " (made before; --again pays it again)"
    say(f"{payment_sentence(payment)}{note}")
    for line in hints([payment], session):
        say(line)
    if is_unfinished(payment):
        ctx.exit(1)


def is_unfinished(payment: PaymentRecord) -> bool:
    """Return whether a payment was ordered and is neither made nor certain to be made."""
    is_unknown = payment.status is PaymentStatus.UNKNOWN and not payment.accepted
    return is_unknown or payment.status is PaymentStatus.FAILED


_HEAD = ("PAYMENT", "RUN", "UNIT", "KIND", "STATUS", "AMOUNT", "FEE", "WORKER", "ABOUT")
_FEE = _HEAD.index("FEE")
#: Payments whose process is named, at most.
_MOST_CLAIMS = 5
_SUMS = ("", "PAYMENTS", "AMOUNT", "FEES", "TOGETHER")


def payment_lines(payments: Sequence[PaymentRecord]) -> list[str]:
    """Return one line per payment; a long description is on lines of its own below.

    Fees have a column if there are any.
    """
    rows = [_HEAD, *map(_row, payments)]
    if not any(payment.fee for payment in payments):
        rows = [(*row[:_FEE], *row[_FEE + 1 :]) for row in rows]
    return table(rows)


def total_lines(totals: Sequence[PaymentTotal]) -> list[str]:
    """Return the sum of payments by status, and the total if there are several statuses."""
    rows = [(_sum(total.status.value, [total])) for total in totals]
    for currency in dict.fromkeys(total.currency for total in totals):
        paid = [
            total
            for total in totals
            if total.currency == currency and total.status is not PaymentStatus.FAILED
        ]
        if len(paid) > 1:
            rows.append(_sum("all but failed", paid))
    return table([_SUMS, *rows])


def hints(payments: Sequence[PaymentRecord], session: Session) -> Iterator[str]:
    """Yield what to do about payments that did not end well."""
    number = {
        status: sum(payment.status is status for payment in payments) for status in PaymentStatus
    }
    settle = session.command("payments", "settle")
    yield from _claims(payments)
    accepted = [payment for payment in payments if payment.accepted]
    for run in dict.fromkeys(payment.run for payment in accepted):
        yield _accepted_sentence([each for each in accepted if each.run == run], session)
    doubtful = number[PaymentStatus.UNKNOWN] + number[PaymentStatus.SENT] - len(accepted)
    if doubtful:
        unknown = counted(doubtful, "payment")
        yield f"The outcome of {unknown} is unknown; `{settle}` asks the platform."
    if number[PaymentStatus.PLANNED]:
        planned = counted(number[PaymentStatus.PLANNED], "payment")
        yield f"{planned} still to be made; `{settle}` makes what is due now."
    if number[PaymentStatus.OWED]:
        outside = counted(number[PaymentStatus.OWED], "payment")
        command = session.command("payments", "owed")
        yield f"{outside} to be made outside of the platform; `{command}` lists them by worker."
    if number[PaymentStatus.FAILED]:
        retry = session.command("payments", "retry")
        yield f"`{retry} PAYMENT` tries a failed payment again."
    if payments and all(payment.sandbox for payment in payments):
        yield "These are payments of a sandbox: no real money was paid."


def _accepted_sentence(payments: Sequence[PaymentRecord], session: Session) -> str:
    """Return what to do about payments of one run that their platform does not show yet."""
    was, them = ("was", "it") if len(payments) == 1 else ("were", "them")
    sync = session.command("sync", payments[0].run)
    return (
        f"{counted(len(payments), 'payment')} {was} accepted by the platform, which does not show "
        f"{them} yet; `{sync}` confirms {them}."
    )


def _claims(payments: Sequence[PaymentRecord]) -> Iterator[str]:
    """Yield sentences on which process makes a payment, and when the platform can be asked."""
    claimed = [
        (payment, payment.payer_until) for payment in payments if payment.payer_until is not None
    ]
    for payment, until in claimed[:_MOST_CLAIMS]:
        yield (
            f"Payment {payment.id} is being made by {payment.payer}; if that has died, the "
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
    """Return the outcome of one payment."""
    what = f"{payment.kind.capitalize()} of {payment.amount} {payment.currency} to {payment.worker}"
    fee = f", with a fee of {payment.fee}" if payment.fee else ""
    if payment.accepted:
        return f"Payment {payment.id}: {what}{fee}: accepted"
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
        "; ".join(filter(None, (payment.error or payment.reason, payment.note))),
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
        "accepted": payment.accepted,
        "note": payment.note or None,
        "payer": payment.payer or None,
        "payer_until": None if payment.payer_until is None else iso(payment.payer_until),
        "created_at": iso(payment.created_at),
        "changed_at": iso(payment.changed_at),
    }
