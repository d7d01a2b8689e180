"""Paying somebody more than the reward, and clearing up payments that did not end well."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from famulus.data.payments import PaymentRecord, find_payments
from famulus.engine.ledger.bonuses import (
    Payee,
    check_amount,
    make_payments_due,
    plan_again,
    plan_payment,
    unit_payee,
    worker_payee,
)
from famulus.engine.providers.bound_provider import bind_provider, deliver_run
from famulus.engine.runs import find_run
from famulus.errors import FamulusError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.money import to_minor, to_minor_up
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins, discover

_OPEN = (PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)


def pay_bonus(
    database: Database,
    unit: int,
    amount: Decimal | str,
    *,
    reason: str,
    again: bool = False,
    plugins: Plugins | None = None,
) -> PaymentRecord:
    """Pay a bonus to the worker who has submitted a unit, and return the payment as it is then.

    The same amount for the same unit and reason is the same payment: it is made once, however often
    it is asked for. What cannot be paid now stays in the ledger, and is paid by the run's operator
    or the next command that speaks to the platform.

    :param amount: in the provider's currency.
    :param again: pay it once more.
    :raises famulus.UsageError: when there is no such unit, the amount cannot be paid, or the run's
        ``max_spend`` does not hold it.
    :raises famulus.ConflictError: when nobody has submitted the unit.
    """
    return _pay(
        database, PaymentKind.BONUS, lambda tx: unit_payee(tx, unit), amount, reason, again, plugins
    )


def compensate(
    database: Database,
    run: int,
    worker: str,
    amount: Decimal | str,
    *,
    reason: str,
    again: bool = False,
    plugins: Plugins | None = None,
) -> PaymentRecord:
    """Pay a worker of a run who has lost work through no fault of theirs; like :func:`pay_bonus`.

    :param worker: by the provider's id. It is paid for the newest visit they made to the run.
    """
    find_run(database, run)
    return _pay(
        database,
        PaymentKind.COMPENSATION,
        lambda tx: worker_payee(tx, run, worker),
        amount,
        reason,
        again,
        plugins,
    )


def settle_payments(
    database: Database, *, run: int | None = None, plugins: Plugins | None = None
) -> list[PaymentRecord]:
    """Ask the platforms about payments whose outcome nobody knows, and pay what is still planned;
    return those payments as they are then. None is paid twice.

    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when a run's provider is not installed, after all others.
    """
    if run is not None:
        find_run(database, run)
    if not database.exists:
        return []
    plugins = discover() if plugins is None else plugins
    open_before = [row.id for row in find_payments(database, run=run) if row.status in _OPEN]
    errors = []
    for each in database.write(lambda tx: make_payments_due(tx, run)):
        try:
            deliver_run(database, plugins, each)
        except FamulusError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return find_payments(database, ids=open_before)


def retry_payment(
    database: Database, payment: int, *, plugins: Plugins | None = None
) -> PaymentRecord:
    """Make a payment that has failed again; return it as it is then.

    Only what surely was not paid can be made again, so the platform is given the same key: should
    it have been paid all the same, it is the same payment there.

    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: when it has not failed, or is not owed any more.
    """
    if not database.exists:
        raise NotFoundError(f"there is no payment {payment}; `famulus payments` lists them")
    plugins = discover() if plugins is None else plugins
    run = database.write(lambda tx: plan_again(tx, payment))
    deliver_run(database, plugins, run)
    return find_payments(database, ids=[payment])[0]


def _pay(
    database: Database,
    kind: PaymentKind,
    find: Callable[[Transaction], Payee],
    amount: Decimal | str,
    reason: str,
    again: bool,
    plugins: Plugins | None,
) -> PaymentRecord:
    amount = _decimal(amount)
    check_amount(amount, reason)
    if not database.exists:
        raise NotFoundError(
            f"there is nobody to be paid: the database {database.location.shown} does not exist yet"
        )
    plugins = discover() if plugins is None else plugins
    with database.read() as tx:
        payee = find(tx)
    minor = to_minor(amount, payee.currency)
    fee = bind_provider(database, plugins, payee.run).provider.fee(kind, amount)
    planned = database.write(
        lambda tx: plan_payment(
            tx,
            find(tx),
            kind=kind,
            amount=minor,
            fee=to_minor_up(fee, payee.currency),
            reason=reason.strip(),
            again=again,
        )
    )
    deliver_run(database, plugins, planned.run)
    return find_payments(database, ids=[planned.payment])[0]


def _decimal(amount: Decimal | str) -> Decimal:
    try:
        return Decimal(amount)
    except InvalidOperation:
        raise UsageError(f"{amount!r} is no amount, such as 0.50") from None
