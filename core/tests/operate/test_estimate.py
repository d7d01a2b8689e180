"""The cost of a run is shown as far as it can be known."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from famulus.cli.costs import quote_lines
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import PluginError, RefusedError, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.operate.estimate import Estimate, balance_problems
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[ManualOperator]:
    plugins = kit_plugins(platform=PlatformPlugin(FakePlatform().provider()))
    manual = ManualOperator(Database(tmp_path / "a.db"), plugins=plugins)
    with manual, manual.database:
        yield manual


def estimate(operator: ManualOperator, rows: Any, most: int | None = None, **task: Any) -> Estimate:
    checked = operator.check(
        rows_configuration(provider="paying", blueprint={"units_per_assignment": 2}, **task),
        shared_state=RowsState(rows=rows),
    )
    return operator.estimate(checked, most_rows=most)


def test_rows_that_are_there_are_counted_and_priced_with_fees(operator: ManualOperator) -> None:
    found = estimate(operator, [{"n": n} for n in range(3)])

    assert (found.rows, found.units) == (3, 6)
    assert found.total is not None
    assert (found.total.rewards, found.total.fees) == (Decimal("0.60"), Decimal("0.12"))
    (line,) = quote_lines(found)
    assert line == "Cost: 0.72 USD (0.60 and fees of 0.12) for 6 units, 0.12 each."


def test_a_generator_is_left_alone_and_its_units_are_unknown(operator: ManualOperator) -> None:
    taken: list[int] = []

    def rows() -> Iterator[dict[str, int]]:
        taken.append(1)
        yield {"n": 1}

    found = estimate(operator, rows())

    assert (found.units, found.total, taken) == (None, None, [])
    assert [*quote_lines(found)] == [
        "Cost: 0.12 USD (0.10 and fees of 0.02) for each unit; the number of units is not known."
    ]


def test_a_file_is_counted_no_further_than_asked(operator: ManualOperator, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"n": 1}\n' * 5)
    checked = operator.check(
        rows_configuration(provider="paying", blueprint={"rows_file": str(path)})
    )

    whole, part = operator.estimate(checked), operator.estimate(checked, most_rows=3)
    assert (whole.units, whole.is_part) == (5, False)
    assert (part.units, part.is_part) == (3, True)
    assert next(quote_lines(part)).startswith("Cost: at least 0.36 USD")


def test_a_limit_says_how_many_units_it_allows(operator: ManualOperator) -> None:
    found = estimate(operator, [{"n": n} for n in range(3)], max_spend="0.35")

    assert found.affordable == 2
    with pytest.raises(UsageError, match=r"0.11 USD does not pay for one unit, which costs 0.12"):
        estimate(operator, [{"n": 1}], max_spend="0.11")


def test_unpaid_work_costs_nothing(operator: ManualOperator) -> None:
    found = estimate(operator, [{"n": 1}], task_reward="0", max_spend="1")

    assert found.affordable is None
    assert [*quote_lines(found)] == [
        "Cost: nothing; the work is unpaid (task.task_reward is 0 or not set)."
    ]


def test_a_quote_names_who_owes_the_reward_where_the_provider_does_not_pay(
    operator: ManualOperator,
) -> None:
    rows = RowsState(rows=[{"n": 1}])
    owed, unpaid = (
        operator.estimate(operator.check(rows_configuration(task_reward=reward), shared_state=rows))
        for reward in ("0.10", None)
    )

    assert [*quote_lines(owed)][1:] == [
        "The provider does not pay: you owe workers what is accepted (`famulus payments owed`)."
    ]
    assert len([*quote_lines(unpaid)]) == 1


@pytest.mark.parametrize(
    ("method", "failure"),
    [("quote", "failed to state its prices"), ("balance", "failed to state the balance")],
)
def test_provider_that_fails_to_state_costs_is_an_error_that_names_it(
    method: str, failure: str, operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Provider, *args: object) -> None:
        raise ZeroDivisionError("on purpose")

    checked = operator.check(
        rows_configuration(provider="paying"), shared_state=RowsState(rows=[{"n": 1}])
    )
    provider = operator.plugins.provider("paying")
    monkeypatch.setattr(provider, "balance", lambda _: Decimal(1))
    monkeypatch.setattr(provider, method, broken)

    with pytest.raises(PluginError, match=f"'paying' {failure}: ZeroDivisionError: on purpose"):
        balance_problems(operator.database, operator.plugins, checked, most_rows=9)


def test_data_that_cannot_be_counted_are_an_error_that_names_the_blueprint(
    operator: ManualOperator, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("no JSON\n")
    checked = operator.check(
        rows_configuration(provider="paying", blueprint={"rows_file": str(path)})
    )

    with pytest.raises(PluginError, match="'rows' failed while its data were counted: JSONDecode"):
        operator.estimate(checked)


def test_an_estimated_time_gives_the_hourly_wage(operator: ManualOperator) -> None:
    rows = [{"n": 1}]

    found = estimate(operator, rows, estimated_minutes="1.5")

    assert found.hourly_wage == Decimal("4.00")
    assert [*quote_lines(found)][1:] == ["Wage: 4.00 USD an hour expected (1.5 min a unit)."]
    assert estimate(operator, rows).hourly_wage is None
    assert not any("Wage" in line for line in quote_lines(estimate(operator, rows)))
    unpaid = estimate(operator, rows, estimated_minutes="1", task_reward="0")
    assert not any("Wage" in line for line in quote_lines(unpaid))


@pytest.mark.parametrize("error", [None, UnavailableError("away"), RefusedError("no permission")])
def test_the_cost_comes_with_what_the_provider_expects_where_it_answers(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    def forecast(self: Provider, plan: Plan, units: int) -> Iterator[str]:
        yield f"{units} units take an hour."
        if error is not None:
            raise error

    monkeypatch.setattr(operator.plugins.provider("paying"), "forecast", forecast)

    cost, *expected = quote_lines(estimate(operator, [{"n": 1}]))

    assert cost.startswith("Cost: 0.24 USD")
    assert expected == (["2 units take an hour."] if error is None else [])


def test_a_forecast_that_fails_names_its_provider(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forecast(self: Provider, plan: Plan, units: int) -> list[str]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(operator.plugins.provider("paying"), "forecast", forecast)

    with pytest.raises(PluginError, match="the provider 'paying' failed to forecast: ZeroDivision"):
        estimate(operator, [{"n": 1}])
