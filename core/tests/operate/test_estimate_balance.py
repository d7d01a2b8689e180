"""A launch that its requester cannot pay for is refused before anything is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from famulus.data.run_summaries import list_runs
from famulus.engine.gateway import Gateway
from famulus.errors import UnavailableError, UsageError
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState

ROWS = [{"n": n} for n in range(10)]


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    paying, sandbox = platform.provider("paying"), platform.provider("playing", sandbox=True)
    return kit_plugins(platform=PlatformPlugin(paying, sandbox))


def launch(operator: ManualOperator, rows: Any = ROWS, **options: Any) -> Gateway:
    return operator.launch_rows(rows, **{"provider": "paying", **options})


def test_a_run_that_costs_more_than_there_is_is_refused_with_both_numbers(
    operator: ManualOperator, platform: FakePlatform
) -> None:
    platform.balance = Decimal("1.19")

    with pytest.raises(UsageError, match=r"can spend 1\.19 USD, but the run may cost 1\.20"):
        launch(operator)

    assert list_runs(operator.database) == []


@pytest.mark.parametrize("balance", ["1.20", "100", None])
def test_a_run_that_can_be_paid_is_launched(
    operator: ManualOperator, platform: FakePlatform, balance: str | None
) -> None:
    platform.balance = None if balance is None else Decimal(balance)

    assert launch(operator).run_id


def test_a_limit_makes_a_run_payable(operator: ManualOperator, platform: FakePlatform) -> None:
    platform.balance = Decimal("0.50")

    assert launch(operator, max_spend="0.50").run_id


def test_rows_that_cannot_be_counted_need_the_money_for_one_unit(
    operator: ManualOperator, platform: FakePlatform
) -> None:
    platform.balance = Decimal("0.11")
    with pytest.raises(UsageError, match=r"the run may cost 0\.12"):
        launch(operator, iter(ROWS))

    platform.balance = Decimal("0.12")
    assert launch(operator, iter(ROWS)).run_id


def test_a_sandbox_that_cannot_pay_is_refused_too(
    operator: ManualOperator, platform: FakePlatform
) -> None:
    platform.balance = Decimal(0)

    with pytest.raises(UsageError, match="the run may cost"):
        launch(operator, provider="playing")


@pytest.mark.parametrize("provider", ["paying", "playing"])
def test_the_balance_can_be_asked_before_a_launch(
    operator: ManualOperator, platform: FakePlatform, provider: str
) -> None:
    platform.balance = Decimal("1.19")
    checked = operator.check(
        rows_configuration(provider=provider), shared_state=RowsState(rows=ROWS)
    )

    [problem] = operator.balance_problems(checked)
    platform.balance = Decimal(100)

    assert "can spend 1.19 USD" in str(problem)
    assert not problem.warning
    assert operator.balance_problems(checked) == []


def test_a_balance_that_cannot_be_asked_is_a_warning_of_a_check(
    operator: ManualOperator, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> Decimal:
        raise UnavailableError("away")

    monkeypatch.setattr(plugins.provider("paying"), "balance", away)
    checked = operator.check(
        rows_configuration(provider="paying"), shared_state=RowsState(rows=ROWS)
    )

    [problem] = operator.balance_problems(checked)

    assert problem.warning
    assert "away" in str(problem)


def test_a_platform_that_cannot_be_asked_launches_nothing(
    operator: ManualOperator, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> Decimal:
        raise UnavailableError("away")

    monkeypatch.setattr(plugins.provider("paying"), "balance", away)

    with pytest.raises(UnavailableError, match="away"):
        launch(operator)

    assert list_runs(operator.database) == []
