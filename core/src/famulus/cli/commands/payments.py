"""``famulus payments``, ``famulus bonus`` and ``famulus compensate``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from famulus.cli.arguments import json_option, row_number, run_number
from famulus.cli.output import say, say_json
from famulus.cli.session import Session, pass_session
from famulus.cli.texts.payment_texts import (
    hints,
    payment_lines,
    payment_sentence,
    payments_json,
    total_lines,
)
from famulus.data.payments import PaymentRecord, list_payments, payment_totals
from famulus.engine.platform.disposal import find_leftovers
from famulus.engine.runs import find_run
from famulus.model.states import PaymentStatus
from famulus.review.bonuses import compensate as pay_compensation
from famulus.review.bonuses import pay_bonus, retry_payment, settle_payments

_UNKNOWN = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)
_run_option = click.option("--run", type=run_number, help="Only those of this run.")
_reason = click.option("--reason", required=True, help="What for; the worker gets to read it.")
_again = click.option("--again", is_flag=True, help="Pay it once more, should it be paid already.")


@click.group(invoke_without_command=True)
@_run_option
@click.option("--task", help="Only those of all runs of this task.")
@json_option
@click.pass_context
@pass_session
def payments(
    session: Session, ctx: click.Context, run: int | None, task: str | None, as_json: bool
) -> None:
    """List what was paid, what was not, and what it comes to.

    \b
    planned    the platform is still to be told
    sent       it is being told just now
    confirmed  paid
    failed     surely not paid, for the reason shown
    unknown    it may be paid or not: it is asked about, and never paid again
    """
    if ctx.invoked_subcommand is not None:
        if run is not None or task is not None or as_json:
            raise click.UsageError(f"give options after '{ctx.invoked_subcommand}'")
        return
    with session.open_database() as database:
        found = list_payments(database, run=run, task=task)
    _show(session, found, as_json=as_json)


@payments.command(short_help="Settle what is unknown or due.")
@_run_option
@json_option
@click.pass_context
@pass_session
def settle(session: Session, ctx: click.Context, run: int | None, as_json: bool) -> None:
    """Ask the platforms about payments whose outcome nobody knows, and tell them what is due.

    Ends with 1 while some outcome is still unknown.
    """
    with session.open_database() as database:
        found = settle_payments(database, run=run)
        kept = find_leftovers(database, sorted({payment.run for payment in found}))
    _show(session, found, as_json=as_json, nothing="There is nothing to settle.")
    if not as_json:
        for number, reason in kept.items():
            say(f"Run {number}: {reason}.")
    if any(payment.status in _UNKNOWN for payment in found):
        ctx.exit(1)


@payments.command
@click.argument("payment", type=row_number("payment", "payments"))
@click.pass_context
@pass_session
def retry(session: Session, ctx: click.Context, payment: int) -> None:
    """Make payment PAYMENT again, which has failed.

    The platform is given the same key as before: what is paid there already is not paid twice.
    """
    with session.open_database() as database:
        _report(session, ctx, retry_payment(database, payment))


@click.command
@click.argument("unit", type=row_number("unit", "export"))
@click.argument("amount")
@_reason
@_again
@click.pass_context
@pass_session
def bonus(
    session: Session, ctx: click.Context, unit: int, amount: str, reason: str, again: bool
) -> None:
    """Pay AMOUNT on top to the worker who has submitted unit UNIT.

    The same amount for the same unit and reason is paid once, however often the command is given.
    """
    with session.open_database() as database:
        started = database.clock()
        paid = pay_bonus(database, unit, amount, reason=reason, again=again)
    _report(session, ctx, paid, is_new=paid.created_at >= started)


@click.command
@click.argument("run", type=run_number)
@click.argument("worker")
@click.argument("amount")
@_reason
@_again
@click.pass_context
@pass_session
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
    with session.open_database() as database:
        find_run(database, run)
        started = database.clock()
        paid = pay_compensation(database, run, worker, amount, reason=reason, again=again)
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
    note = "" if is_new else " (made before; --again pays it once more)"
    say(f"{payment_sentence(payment)}{note}")
    for line in hints([payment], session):
        say(line)
    if payment.status in (PaymentStatus.FAILED, PaymentStatus.UNKNOWN):
        ctx.exit(1)
