"""What an hour of work pays, expected and measured, is shown with the run."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from famulus.cli.commands.status import report_json, report_lines
from famulus.cli.costs import wage_text
from famulus.cli.follow import ending_lines
from famulus.cli.session import Session
from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.data import wage as wage_module
from famulus.data.wage import Wage, hourly_wage
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.run_outcome import read_ending
from famulus.operate.run_report import read_report
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(9)]
SESSION = Session(None, address_typed=False, verbose=False)

Launch = Callable[..., Gateway]


@pytest.fixture
def launch(operator: ManualOperator) -> Launch:
    def launched(**task: str) -> Gateway:
        options: dict[str, Any] = {"task_reward": "0.60", **task}
        return operator.launch_rows(ROWS, **options)

    return launched


def work(gateway: Gateway, clock: MovableClock, *seconds: float) -> None:
    """Let a worker do one unit in each of these times."""
    for each in seconds:
        worker = GatewayWorker(gateway, f"worker {each}")
        page = worker.arrive()
        clock.advance(each)
        assert worker.submit(page).status == 200


def wage(database: Database, gateway: Gateway) -> Wage:
    return read_report(database, gateway.run_id).wage


def test_a_wage_is_measured_as_the_median_of_the_times(
    launch: Launch, database: Database, clock: MovableClock
) -> None:
    gateway = launch(estimated_minutes="5")
    work(gateway, clock, 200, 1000, 300)

    report = read_report(database, gateway.run_id)

    assert (report.wage.expected, report.wage.measured) == (Decimal("7.20"), Decimal("7.20"))
    shown = " ".join(" ".join(report_lines(report, SESSION)).split())
    assert (
        "wage 7.20 USD an hour expected (5 min a unit), "
        "7.20 USD an hour measured (median of 3 units)"
    ) in shown
    assert report_json(report)["wage"] == {
        "currency": "USD",
        "expected": "7.20",
        "estimated_minutes": "5",
        "measured": "7.20",
        "median_seconds": 300.0,
        "measured_units": 3,
        "unmeasured_units": 0,
    }


def test_work_that_was_accepted_for_less_lowers_the_measured_wage(
    launch: Launch, database: Database, clock: MovableClock
) -> None:
    bounds = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
    capabilities = Capabilities(partial_approvals=bounds)
    rules = PlatformRules(provider_type="crowd", capabilities=capabilities)
    gateway = launch()
    work(gateway, clock, 300, 300)

    def accept(tx: Transaction) -> None:
        units = tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.agent_id.is_null(False)))
        for unit, amount in zip(units, (None, Decimal("0.20")), strict=True):
            terms = Terms(amount=amount, rules=rules)
            decide(tx, unit.id, Decision.ACCEPTED, terms=terms)
        apply_decisions(tx, [unit.id for unit in units], bounds={"crowd": bounds})

    before = wage(database, gateway).measured
    database.write(accept)

    assert (before, wage(database, gateway).measured) == (Decimal("7.20"), Decimal("4.80"))


def test_the_median_of_an_even_number_lies_between_the_two_in_the_middle(
    launch: Launch, database: Database, clock: MovableClock
) -> None:
    gateway = launch()
    work(gateway, clock, 100.5, 101)

    found = wage(database, gateway)

    assert (found.expected, found.median_seconds) == (None, Decimal("100.75"))
    assert found.measured == Decimal("21.44")


def test_late_units_and_those_with_a_clock_set_back_are_not_measured(
    launch: Launch, operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = launch(assignment_duration_in_seconds="1000")
    work(gateway, clock, -60, 0)
    late = GatewayWorker(gateway, "late")
    page = late.arrive()
    clock.advance(5000)
    operator.turn()
    late.submit(page)
    found = wage(database, gateway)

    assert (found.measured, found.measured_units, found.unmeasured_units) == (None, 0, 3)
    assert wage_text(found) == "3 units without a measured time"

    work(gateway, clock, 120)

    assert wage_text(wage(database, gateway)) == (
        "18.00 USD an hour measured (median of 1 unit; 3 units without a measured time)"
    )


def test_an_onboarding_is_no_unit(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS, blueprint={"onboarding_qualification": "q"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(60)
    worker.submit(page)

    found = wage(database, gateway)

    assert (found.measured_units, found.unmeasured_units) == (0, 0)


def test_only_the_newest_submissions_are_looked_at(
    launch: Launch, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = launch()
    work(gateway, clock, 900, 60, 70, 80)
    monkeypatch.setattr(wage_module, "_MOST_SUBMISSIONS", 3)

    assert wage(database, gateway).median_seconds == 70
    assert wage(database, gateway).measured_units == 3


def test_a_run_without_submissions_shows_what_is_expected(
    launch: Launch, database: Database
) -> None:
    gateway = launch(estimated_minutes="0.5")

    assert wage_text(wage(database, gateway)) == "72.00 USD an hour expected (0.5 min a unit)"
    assert wage_text(wage(database, launch(task_name="another"))) == ""


def test_unpaid_work_has_no_wage_to_show(
    launch: Launch, database: Database, clock: MovableClock
) -> None:
    gateway = launch(estimated_minutes="5", task_reward="0")
    work(gateway, clock, 60)

    assert wage_text(wage(database, gateway)) == ""


def test_the_end_of_a_run_shows_its_wage(
    launch: Launch, operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = launch(estimated_minutes="10")
    before = ending_lines(read_ending(database, gateway.run_id))
    work(gateway, clock, 360)
    operator.stop(gateway.run_id, now=True)

    assert not any("Wage" in line for line in before)
    assert ending_lines(read_ending(database, gateway.run_id))[-1] == (
        "Wage: 3.60 USD an hour expected (10 min a unit), "
        "6.00 USD an hour measured (median of 1 unit)."
    )


@pytest.mark.parametrize(("currency", "wage"), [("USD", "4.29"), ("JPY", "4"), ("KWD", "4.286")])
def test_a_wage_has_the_decimal_places_of_its_currency(currency: str, wage: str) -> None:
    assert hourly_wage(Decimal(1), Decimal(840), currency) == Decimal(wage)
