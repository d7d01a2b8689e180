"""What a requester's account can spend, for a command that only displays it.

Before a launch, ``operate/estimate.py`` compares it with the cost.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from decimal import Decimal

from attrs import frozen

from famulus.contracts.context import RequesterView
from famulus.contracts.provider import Provider
from famulus.engine.ledger.charges import account_currency
from famulus.errors import UnavailableError, as_plugin_error
from famulus.model.database import Database
from famulus.plan import account_provider
from famulus.plugins import Plugins

#: Seconds that a platform may take to answer.
_PATIENCE = 5.0


@frozen(kw_only=True)
class Balance:
    """What an account can spend, in its currency."""

    amount: Decimal
    currency: str


def read_balance(
    database: Database, plugins: Plugins, requester: RequesterView, *, patience: float = _PATIENCE
) -> Balance | None:
    """Ask the platform what a requester can spend; None if it does not report that.

    A call that takes longer than ``patience`` is abandoned in its own thread.

    :param patience: seconds that the call may take.
    :raises famulus.UnavailableError: when the platform does not answer in time.
    :raises famulus.FamulusError: when it refuses, or the provider's code fails.
    """
    cls = plugins.provider(requester.provider_type)
    provider = account_provider(database, cls, cls.Args(), requester)
    call: Future[Balance | None] = Future()
    threading.Thread(
        target=_ask, args=(provider, call), name="famulus-balance", daemon=True
    ).start()
    wait([call], patience)
    if not call.done():
        raise UnavailableError(f"{cls.type} has not answered within {patience:g} seconds")
    return call.result()


def _ask(provider: Provider, call: Future[Balance | None]) -> None:
    try:
        with as_plugin_error(f"the provider {provider.type!r} failed to state the balance"):
            amount = provider.balance()
        found = (
            amount
            if amount is None
            else Balance(amount=amount, currency=account_currency(provider))
        )
    except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
        call.set_exception(error)
    else:
        call.set_result(found)
