"""What a platform approves by itself is shown with its date, until there is a verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from famulus.cli.commands.status import report_json, report_lines
from famulus.cli.session import Session
from famulus.contracts.provider_views import VisitReport
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.model.database import Database
from famulus.model.states import Decision, VisitStatus
from famulus.model.tables import UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.doctor import read_differences, read_remarks
from famulus.operate.run_report import read_report
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

DAYS = 21


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    waiting = platform.provider("waiting", reports_submissions=True)
    approving = platform.provider("approving", reports_submissions=True, approves_after_days=DAYS)
    return kit_plugins(waiting=PlatformPlugin(waiting), approving=PlatformPlugin(approving))


def launch(
    operator: ManualOperator, platform: FakePlatform, clock: MovableClock, provider: str
) -> Gateway:
    """A run with a submission of a worker here, and a later one that was only reported."""
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}], provider=provider)
    GatewayWorker(gateway, "a").submit(GatewayWorker(gateway, "a").arrive("visit"))
    platform.visits["visit"] = VisitStatus.SUBMITTED
    clock.advance(3600)
    platform.others = [
        VisitReport(worker_name="b", reference="only there", status=VisitStatus.SUBMITTED)
    ]
    operator.turn()
    return gateway


def shown(database: Database, plugins: Plugins, run: int) -> list[str]:
    """Return what ``famulus status`` shows of it."""
    report = read_report(database, run, plugins=plugins)
    lines = report_lines(report, Session(None, address_typed=False, verbose=False))
    return [text for line in lines if "unreviewed" in line for text in [line.split(None, 1)[1]]]


def test_date_of_the_first_approval_is_shown_and_becomes_a_difference(
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    first_at = clock() + timedelta(days=DAYS)
    run = launch(operator, platform, clock, "approving").run_id
    text = (
        "2 submissions without a verdict: the platform approves the first by itself from "
        f"{first_at:%Y-%m-%d %H:%M} UTC on"
    )

    assert shown(database, plugins, run) == [text]
    reported = report_json(read_report(database, run, plugins=plugins))["approves_itself_at"]
    assert datetime.fromisoformat(reported) == first_at.astimezone(UTC)
    assert f"Run {run} has {text}." in read_remarks(database, plugins)
    assert text not in [each.what for each in read_differences(database, plugins, run)]

    clock.advance((DAYS - 7) * 86_400)
    [found] = [each for each in read_differences(database, plugins, run) if each.what == text]
    assert found.command == ("review", "rows")
    assert read_remarks(database, plugins, run) == []


def test_nothing_is_shown_once_all_is_decided(
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
) -> None:
    run = launch(operator, platform, clock, "approving").run_id
    with database.read() as tx:
        unit = tx.rows(UnitTable.select().order_by(UnitTable.id))[0].id

    def accept(tx: Transaction) -> None:
        decide(tx, unit, Decision.ACCEPTED)
        apply_decisions(tx, [unit])

    database.write(accept)
    platform.visits["visit"] = VisitStatus.APPROVED
    platform.others = [
        VisitReport(worker_name="b", reference="only there", status=VisitStatus.REJECTED)
    ]
    operator.turn()

    assert shown(database, plugins, run) == []
    assert read_remarks(database, plugins, run) == []


def test_nothing_is_shown_where_submissions_wait_for_a_verdict_or_the_provider_is_gone(
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
) -> None:
    waiting = launch(operator, platform, clock, "waiting").run_id

    assert shown(database, plugins, waiting) == []
    assert shown(database, kit_plugins(), waiting) == []
