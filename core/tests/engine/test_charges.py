"""Money is in the currency of the requester's account, wherever it is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from attrs import frozen

from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Quote,
)
from famulus.data.run_summaries import list_runs
from famulus.engine.gateway import Gateway
from famulus.engine.requesters import register_requester
from famulus.engine.runs import find_run
from famulus.errors import ConflictError, RefusedError, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.model.states import PaymentKind
from famulus.model.tables import UnitTable
from famulus.options.declare import option
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import CrowdProvider, RowsState

ROWS = [{"n": 1}]


@frozen(kw_only=True)
class ExchangeArgs:
    requester_name: str | None = option(help="Who pays.")


@frozen(kw_only=True)
class AccountArgs:
    currency: str = option(help="Of the account.", default="USD")


class Exchange(CrowdProvider):
    """A platform on which each account has a currency of its own."""

    type = "exchange"
    Args: ClassVar[Any] = ExchangeArgs
    RequesterArgs = AccountArgs
    capabilities = Capabilities(pays=True)
    default_requester: ClassVar[Any] = None

    @property
    def currency(self) -> str:
        assert self.context.requester is not None
        return str(self.context.requester.settings["currency"])

    def register(self, name: str, args: Any) -> Mapping[str, Any]:
        return {"currency": args.currency}

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        return amount / 10

    def taxes(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        return amount / 50


class ExchangePlugin:
    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [Exchange]


@pytest.fixture
def plugins() -> Plugins:
    return kit_plugins(exchange=ExchangePlugin())


@pytest.fixture
def manual(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=plugins)
    with operator:
        yield operator


def register(database: Database, plugins: Plugins, currency: str) -> None:
    register_requester(database, "exchange", "lab", plugins=plugins, currency=currency)


def launch(operator: ManualOperator, **task: Any) -> Gateway:
    return operator.launch_rows(ROWS, provider="exchange", **task)


def unit(database: Database) -> int:
    with database.read() as tx:
        (row,) = tx.rows(UnitTable.select(UnitTable.id))
    return int(row.id)


def problems_of(operator: ManualOperator, **task: Any) -> list[str]:
    with pytest.raises(UsageError) as caught:
        operator.check(
            rows_configuration(provider="exchange", **task), shared_state=RowsState(rows=ROWS)
        )
    return list(map(str, caught.value.problems))


def test_a_run_counts_in_the_currency_of_its_requester(
    database: Database, plugins: Plugins, manual: ManualOperator
) -> None:
    register(database, plugins, "JPY")
    checked = manual.check(
        rows_configuration(provider="exchange", task_reward="50"),
        shared_state=RowsState(rows=ROWS),
    )

    record = find_run(database, launch(manual, task_reward="50").run_id)

    assert manual.estimate(checked).one.currency == "JPY"
    assert (record.reward, record.currency) == (50, "JPY")
    assert problems_of(manual, task_reward="0.50", max_spend="1.5") == [
        "task.task_reward: 0.50 JPY is finer than the smallest unit of JPY; "
        "use at most 0 decimal places",
        "task.max_spend: 1.5 JPY is finer than the smallest unit of JPY; "
        "use at most 0 decimal places",
    ]


def test_no_currency_is_asked_for_before_there_is_a_requester(manual: ManualOperator) -> None:
    (problem,) = problems_of(manual)

    assert "no requester of exchange is registered" in problem


@pytest.mark.parametrize("currency", ["dollars", "usd", ""])
def test_what_is_no_currency_is_refused(
    database: Database, plugins: Plugins, manual: ManualOperator, currency: str
) -> None:
    register(database, plugins, currency)

    (problem,) = problems_of(manual)

    assert problem.startswith(f"the provider 'exchange' names the currency {currency!r}; it has to")


def test_an_account_that_has_another_currency_pays_nothing_for_the_run(
    database: Database, plugins: Plugins, manual: ManualOperator
) -> None:
    register(database, plugins, "EUR")
    gateway = launch(manual)
    GatewayWorker(gateway, "x").work()
    manual.stop(gateway.run_id, now=True)
    register(database, plugins, "USD")

    with pytest.raises(ConflictError, match=r"launched in EUR, but the account .* 'lab' is in USD"):
        manual.resume(gateway.run_id)
    with pytest.raises(ConflictError, match=r"is in EUR, but the account .* in USD"):
        pay_bonus(database, unit(database), "0.50", reason="R", plugins=plugins)


def test_fees_and_taxes_of_units_and_bonuses_count_against_the_budget(
    database: Database, plugins: Plugins, manual: ManualOperator
) -> None:
    register(database, plugins, "USD")
    gateway = launch(manual, task_reward="1.00", max_spend="1.68")
    GatewayWorker(gateway, "x").work()

    bonus = pay_bonus(database, unit(database), "0.50", reason="R", plugins=plugins)

    assert bonus.fee == Decimal("0.06")
    with pytest.raises(UsageError, match=r"1\.68 USD, of which 0\.00 are left"):
        pay_bonus(database, unit(database), "0.01", reason="R", plugins=plugins)
    assert problems_of(manual, task_reward="1.00", max_spend="1.11") == [
        "task.max_spend: 1.11 USD does not pay for one unit, which costs 1.12 with fees"
    ]


@pytest.mark.parametrize("error", [UnavailableError("away"), RefusedError("no prices for you")])
def test_a_price_that_the_platform_does_not_state_prevents_a_launch(
    database: Database,
    plugins: Plugins,
    manual: ManualOperator,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def quote(*_: object) -> Quote:
        raise error

    register(database, plugins, "USD")
    monkeypatch.setattr(Exchange, "quote", quote)

    (problem,) = problems_of(manual, max_spend="5")
    assert problem.endswith(
        f"what a unit costs cannot be compared with task.max_spend now: {error}"
    )
    with pytest.raises(type(error), match=str(error)):
        launch(manual)
    assert list_runs(database) == []
