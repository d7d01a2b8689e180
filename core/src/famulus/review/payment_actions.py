"""Bonuses, compensations, and payments that did not complete."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from attrs import frozen

from famulus.data.payments import PaymentRecord, find_payments
from famulus.engine.ledger.bonuses import (
    ExtraPayment,
    Payee,
    check_amount,
    plan_extra,
    unit_payee,
    worker_payee,
)
from famulus.engine.ledger.charges import charges
from famulus.engine.ledger.retries import make_payments_due, plan_again, resolve
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.qualifications.worker_handle import Worker
from famulus.engine.runs import find_run
from famulus.errors import FamulusError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.money import to_minor
from famulus.model.states import OPEN_PAYMENTS, PaymentKind
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins, discover

_log = logging.getLogger(__name__)


def pay_bonus(
    database: Database,
    unit: int,
    amount: Decimal | str,
    *,
    reason: str,
    again: bool = False,
    plugins: Plugins | None = None,
) -> PaymentRecord:
    """Pay a bonus to the worker who has submitted a unit; return the resulting payment.

    The same amount for the same unit and reason is the same payment: it is made once, however often
    this is called. A payment that cannot be made now stays in the ledger; the run's operator, or
    the next command that calls the platform, makes it.

    :param amount: the bonus, in the currency of the run.
    :param again: whether to pay again even if the same payment exists.
    :raises famulus.UsageError: when there is no such unit, the amount cannot be paid, or it exceeds
        the run's ``max_spend``.
    :raises famulus.ConflictError: when the unit is not submitted.
    """
    return _pay(
        database,
        _PaymentRequest(
            kind=PaymentKind.BONUS, amount=_decimal(amount), reason=reason, again=again
        ),
        lambda tx: unit_payee(tx, unit),
        plugins,
    )


def compensate(
    worker: Worker,
    run: int,
    amount: Decimal | str,
    *,
    reason: str,
    again: bool = False,
    plugins: Plugins | None = None,
) -> PaymentRecord:
    """Compensate a worker for work that was lost in a run; like :func:`pay_bonus`.

    :param worker: a result of :func:`find_worker`. The payment is for the worker's newest visit to
        the run.
    :raises famulus.NotFoundError: when there is no such run, or the worker has not come to it.
    """
    find_run(worker.database, run)
    return _pay(
        worker.database,
        _PaymentRequest(
            kind=PaymentKind.COMPENSATION, amount=_decimal(amount), reason=reason, again=again
        ),
        lambda tx: worker_payee(tx, run, worker),
        plugins,
    )


def settle_payments(
    database: Database, *, run: int | None = None, plugins: Plugins | None = None
) -> list[PaymentRecord]:
    """Ask the platforms for the outcome of unknown payments, and make the planned ones.

    Return these payments in their new state. No payment is made twice.

    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when a run's provider is not installed. The error is raised after
        all other runs were handled; errors of further runs are logged.
    """
    if run is not None:
        find_run(database, run)
    if not database.exists:
        return []
    plugins = discover() if plugins is None else plugins
    runs = None if run is None else [run]
    open_before = [row.id for row in find_payments(database, runs=runs, statuses=OPEN_PAYMENTS)]
    errors: list[tuple[int, FamulusError]] = []
    for each in database.write(lambda tx: make_payments_due(tx, run)):
        try:
            deliver_run(database, plugins, each)
        except FamulusError as error:
            errors.append((each, error))
    for other, failure in errors[1:]:
        _log.warning("run %d: its payments cannot be settled: %s", other, failure)
    if errors:
        raise errors[0][1]
    return find_payments(database, ids=open_before)


def retry_payment(
    database: Database, payment: int, *, plugins: Plugins | None = None
) -> PaymentRecord:
    """Make a failed payment again; return it in its new state.

    Only a payment that has failed for certain can be retried. The platform gets the same
    idempotency key again, so that even a payment that was made after all is not made twice.

    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: when it has not failed, or is not owed any more.
    :raises famulus.UsageError: when the run's ``max_spend`` does not cover it.
    """
    if not database.exists:
        raise NotFoundError(f"there is no payment {payment}; `famulus payments` lists them")
    plugins = discover() if plugins is None else plugins
    run = database.write(lambda tx: plan_again(tx, payment))
    deliver_run(database, plugins, run)
    return find_payments(database, ids=[payment])[0]


def resolve_payment(database: Database, payment: int, *, paid: bool, note: str) -> PaymentRecord:
    """Record the outcome of a bonus or compensation that the platform cannot report.

    The platform is not called. With ``paid`` false the payment counts as failed and can be retried:
    be certain that it was not made, or a retry pays it twice. Recording the same outcome again
    changes nothing.

    :param note: the source of the outcome, such as the number of a message of the platform's
        support.
    :raises famulus.UsageError: for an empty note.
    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: when its outcome is not unknown, or when the payment is a reward:
        its verdict is sent again instead.
    """
    if not database.exists:
        raise NotFoundError(f"there is no payment {payment}; `famulus payments` lists them")
    database.write(lambda tx: resolve(tx, payment, paid=paid, note=note.strip()))
    return find_payments(database, ids=[payment])[0]


@frozen(kw_only=True)
class _PaymentRequest:
    """A requested payment; its amount is in the currency's main unit."""

    kind: PaymentKind
    amount: Decimal
    reason: str
    again: bool


def _pay(
    database: Database,
    wish: _PaymentRequest,
    find_payee: Callable[[Transaction], Payee],
    plugins: Plugins | None,
) -> PaymentRecord:
    check_amount(wish.amount, wish.reason)
    if not database.exists:
        raise NotFoundError(f"the database {database.location.shown} does not exist yet")
    plugins = discover() if plugins is None else plugins
    with database.read() as tx:
        payee = find_payee(tx)
    provider = bind_provider(database, plugins, payee.run).provider
    extra = ExtraPayment(
        kind=wish.kind,
        amount=to_minor(wish.amount, payee.currency),
        fee=charges(provider, wish.kind, wish.amount, payee.currency),
        reason=wish.reason.strip(),
    )
    payment = database.write(lambda tx: plan_extra(tx, find_payee(tx), extra, again=wish.again))
    deliver_run(database, plugins, payee.run)
    return find_payments(database, ids=[payment])[0]


def _decimal(amount: Decimal | str) -> Decimal:
    try:
        return Decimal(amount)
    except InvalidOperation:
        raise UsageError(f"{amount!r} is not an amount, such as 0.50") from None
