"""The worker's own page: what they have done, what became of it, what it earns, what is next."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from famulus.contracts.completion import Completion, OwnPage, VisitOutcome
from famulus.contracts.provider_views import VisitView
from famulus.engine import completions
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.own_work import _COUNTERS, _PAY, _WORK
from famulus.engine.platform.bound_provider import deliver_run
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import Decision, PaymentStatus
from famulus.model.tables import AgentTable, PaymentTable, UnitTable
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(4)]
TIME = 600
_FACT = re.compile(r"<dt>(.*?)</dt>\n<dd>(.*?)</dd>")


def own_page(_: Any, visit: VisitView, outcome: VisitOutcome) -> Completion:
    again = {"worker_id": visit.worker_name, "assignment_id": f"{visit.reference}+"}
    return OwnPage(next_query=again)


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = type("OwnPageProvider", (platform.provider("own"),), {"completion": own_page})
    return kit_plugins(own=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return launch(operator)


def launch(operator: ManualOperator, **options: Any) -> Gateway:
    return operator.launch_rows(
        ROWS, provider="own", task_name="words", assignment_duration_in_seconds=TIME, **options
    )


def facts(page: Seen) -> dict[str, str]:
    return {html.unescape(name): html.unescape(text) for name, text in _FACT.findall(page.text)}


def decided(database: Database, name: str, *decisions: Decision) -> None:
    """Decide on the units of a worker, the first ones first, and apply the decisions."""
    with database.read() as tx:
        query = UnitTable.select(UnitTable.id, UnitTable.status).join(
            AgentTable, on=(UnitTable.agent_id == AgentTable.id)
        )
        rows = tx.rows(query.order_by(AgentTable.id))
    for row, decision in zip(rows, decisions, strict=False):
        note = "empty" if decision is Decision.REJECTED else ""

        def job(tx: Any, row: Any = row, decision: Decision = decision, note: str = note) -> None:
            decide(tx, row.id, decision, note=note, seen=row.status)
            apply_decisions(tx, [row.id])

        database.write(job)


def test_it_lists_this_workers_units_and_leads_to_the_next(gateway: Gateway) -> None:
    GatewayWorker(gateway, "other").work("a secret answer")
    worker = GatewayWorker(gateway, "x")

    worker.work()
    page = worker.submit(worker.arrive("second"))

    assert "Your answers are stored" in page.text
    assert facts(page) == {
        "Units done": "2",
        "In review": "2",
        "Accepted": "0",
        "Left for you": "at most 2",
        "Earned": "0.00 USD",
        "If all in review is accepted": "0.20 USD more",
    }
    assert 'href="./?worker_id=x&amp;assignment_id=second%2B">Next unit</a>' in page.text
    assert 'href="./?worker_id=x&amp;assignment_id=second">the link to your page</a>' in page.text
    assert "secret" not in page.text


def test_it_follows_the_decisions_and_the_ledger(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    worker = GatewayWorker(gateway, "x")
    pages = [worker.submit(worker.arrive(f"visit {n}")) for n in range(4)]
    assert facts(pages[-1])["Units done"] == "4"

    decided(database, "x", Decision.ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)
    decided(database, "x", Decision.ACCEPTED, Decision.SOFT_REJECTED, Decision.REJECTED)

    assert facts(worker.arrive("visit 0")) == {
        "Units done": "4",
        "In review": "1",
        "Accepted": "2",
        "Not accepted": "1",
        "Earned": "0.20 USD, of which 0.10 USD is paid",
        "If all in review is accepted": "0.10 USD more",
    }
    database.write(lambda tx: tx.execute(PaymentTable.update(status=PaymentStatus.FAILED)) and None)
    assert facts(worker.arrive("visit 0"))["Earned"] == "0.00 USD"


def test_it_comes_again_by_the_same_parameters(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    for n in range(4):
        worker.submit(worker.arrive(f"visit {n}"))

    again, refused = worker.arrive("visit 0"), worker.arrive("one more")

    assert "Your work in this task" in again.text
    assert "You have done all there is for you in this task." in again.text
    assert (refused.status, refused.refusal) == (403, "all_done")
    for page in (again, refused):
        assert facts(page)["Units done"] == "4"
        assert "Next unit" not in page.text


def test_a_worker_who_has_done_nothing_has_no_list(gateway: Gateway) -> None:
    for n in range(4):
        GatewayWorker(gateway, f"w{n}").arrive()

    page = GatewayWorker(gateway, "x").arrive()

    assert page.refusal == "nothing_left"
    assert facts(page) == {}


def test_a_unit_that_is_given_back_is_not_done(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.work()

    page = worker.give_back(worker.arrive())

    assert facts(page)["Units done"] == "1"
    assert "Next unit" in page.text


def test_unpaid_work_has_no_line_about_pay(operator: ManualOperator) -> None:
    page = GatewayWorker(launch(operator, task_reward="0"), "x").work()

    assert facts(page) == {
        "Units done": "1",
        "In review": "1",
        "Accepted": "0",
        "Left for you": "at most 3",
    }


def test_other_rounds_of_the_task_are_counted_together(operator: ManualOperator) -> None:
    first, second = launch(operator), launch(operator)
    GatewayWorker(first, "x").work()
    GatewayWorker(first, "x").work()

    page = GatewayWorker(second, "x").work()

    assert facts(page)["Units done"] == "1 (3 with the other rounds of this task)"
    assert facts(page)["In review"] == "1"


@pytest.mark.parametrize(
    ("maximum", "most_left", "left"),
    [(3, None, "at most 2"), (3, 1, "at most 1"), (0, 2, "at most 2"), (0, 9, "at most 3")],
)
def test_what_is_left_follows_the_lowest_limit(
    operator: ManualOperator,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    maximum: int,
    most_left: int | None,
    left: str,
) -> None:
    step = OwnPage(next_query={"worker_id": "x", "assignment_id": "next"})
    monkeypatch.setattr(plugins.provider("own"), "completion", lambda *_: step)
    monkeypatch.setattr(plugins.provider("own"), "most_left", lambda *_: most_left)
    gateway = launch(operator, maximum_units_per_worker=maximum)

    assert facts(GatewayWorker(gateway, "x").work())["Left for you"] == left


def test_answers_that_came_after_another_workers_are_named(
    operator: ManualOperator, gateway: Gateway, clock: MovableClock
) -> None:
    late = GatewayWorker(gateway, "x")
    page = late.arrive()
    clock.advance(TIME + 1)
    operator.turn()
    for n in range(4):
        GatewayWorker(gateway, "fast").submit(GatewayWorker(gateway, "fast").arrive(f"{n}"))

    stored = late.submit(page)

    assert facts(stored)["Units done"] == "1"
    assert facts(stored)["In review"] == "0"
    assert facts(stored)["Too late"] == "1: another worker had it by then"


def test_no_rows_of_other_workers_are_read(gateway: Gateway, database: Database) -> None:
    if database.kind is not DatabaseKind.SQLITE:
        pytest.skip("PostgreSQL plans by the sizes of tables, which are small here")
    names = {"provider": "own", "name": "x", "task": 1, "run": gateway.run_id, "currency": "USD"}

    steps: list[str] = []
    with database.read() as tx:
        for statement in (_WORK, _PAY, _COUNTERS):
            found = tx._dialect.compiled[statement]
            values = [{**names, **found.constants}[key] for key in found.layout]
            steps += [row[-1] for row in tx.sql(f"EXPLAIN QUERY PLAN {found.sql}", values)]

    assert any("agent_once_an_assignment (worker_id=?)" in step for step in steps)
    assert any("payment_of_worker (worker_id=? AND run_id=?)" in step for step in steps)
    assert not any(step.startswith("SCAN") for step in steps)


def test_page_is_sent_where_its_list_cannot_be_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseUnavailableError("the disk is slow")

    monkeypatch.setattr(completions, "read_own_work", fail)

    page = GatewayWorker(gateway, "x").work()

    assert page.status == 200
    assert "Your answers are stored" in page.text
    assert "Next unit" in page.text
