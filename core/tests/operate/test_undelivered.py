"""What a platform has refused, or cannot be reached for, is shown with what helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial

import pytest

from famulus.cli.commands.status import report_lines
from famulus.cli.session import Session
from famulus.contracts.provider_views import Result, VisitReport, VisitVerdict
from famulus.contracts.visit_verdict import Approve
from famulus.data.payments import list_payments
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.engine.platform.bound_provider import deliver_run
from famulus.engine.runs import find_run
from famulus.errors import RefusedError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import OutboxTable, UnitTable, VisitTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.operate.account_delivery import deliver_accounts
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.operate.run_report import read_report
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus, retry_payment, settle_payments
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    asked = {"qualifications": True, "reports_submissions": True}
    paying = platform.provider("paying", **asked)
    unpaying = platform.provider("unpaying", **asked, pays=False)
    return kit_plugins(platform=PlatformPlugin(paying), without_pay=PlatformPlugin(unpaying))


@pytest.fixture
def gateway(operator: ManualOperator, platform: FakePlatform) -> Gateway:
    """A run of two units; x has submitted the first, here and on the platform."""
    return launched(operator, platform)


def launched(
    operator: ManualOperator, platform: FakePlatform, provider: str = "paying", reward: str = "0.10"
) -> Gateway:
    opened = operator.launch_rows([{"n": 1}, {"n": 2}], provider=provider, task_reward=reward)
    GatewayWorker(opened, "x").submit(GatewayWorker(opened, "x").arrive("visit"))
    platform.visits["visit"] = VisitStatus.SUBMITTED
    operator.turn()
    return opened


@pytest.fixture
def shown(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[str]]:
    """Return what ``famulus status`` shows of the platform."""
    monkeypatch.setenv("COLUMNS", "500")
    return partial(platform_lines, database, gateway.run_id)


def platform_lines(database: Database, run: int) -> list[str]:
    report = read_report(database, run)
    lines = report_lines(report, Session(None, address_typed=False, verbose=False))
    facts = [line.split(None, 1) for line in lines]
    return [text for name, text in facts if name == "platform"]


def submitted_unit(database: Database) -> int:
    with database.read() as tx:
        row = tx.row(UnitTable.select(UnitTable.id).where(UnitTable.status == UnitStatus.COMPLETED))
    assert row is not None
    return int(row.id)


def review(database: Database, decision: Decision) -> None:
    unit = submitted_unit(database)

    def job(tx: Transaction) -> None:
        decide(tx, unit, decision, note="why")
        apply_decisions(tx, [unit])

    database.write(job)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.REFUSED, "has refused to set a block: the balance is too low"),
        (Fault.THROTTLED, "has yet to set a block: throttled"),
    ],
)
def test_what_concerns_the_account_is_shown_with_each_of_its_runs(
    fault: Fault,
    words: str,
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    shown: Callable[[], list[str]],
) -> None:
    requester = find_run(database, gateway.run_id).requester_id

    def block(tx: Transaction) -> None:
        worker = tx.row(WorkerTable.select(WorkerTable.id))
        assert worker is not None
        payload = {"worker": worker.id, "reason": ""}
        enqueue(tx, requester=requester, kind=OutboxKind.BLOCK, key="block", payload=payload)

    database.write(block)
    platform.faults = [fault]
    operator.managed(gateway.run_id).deliver()

    assert [str(rows) for rows in operator.progress(gateway.run_id).undelivered] == [
        f"the platform {words}"
    ]
    assert shown() == [f"the platform {words}; `famulus sync` sends it again"]
    deliver_accounts(database, plugins)
    assert shown() == []


@pytest.mark.parametrize("refused", ["bonus", "approval"])
def test_a_refused_payment_names_the_ledger_where_it_is_retried(
    refused: str,
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    shown: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    platform.faults = [Fault.REFUSED]
    if refused == "bonus":
        pay_bonus(database, submitted_unit(database), "0.50", reason="R", plugins=plugins)
    else:
        review(database, Decision.ACCEPTED)
        platform.faults.insert(0, None)
        deliver_run(database, plugins, gateway.run_id)
    sync_now(database, plugins, gateway.run_id)

    remedy = f"`famulus payments --run {gateway.run_id}` shows what can be done"
    [line] = shown()
    assert line.endswith(f": the balance is too low; {remedy}")
    [logged] = [line for line in caplog.messages if "too low" in line]
    assert logged.endswith(remedy)
    [payment] = list_payments(database, run=gateway.run_id)
    retry_payment(database, payment.id, plugins=plugins)
    assert shown() == []


def test_a_payment_without_a_known_outcome_names_the_command_that_settles_it(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    shown: Callable[[], list[str]],
) -> None:
    platform.faults = [Fault.LOST]
    pay_bonus(database, submitted_unit(database), "0.50", reason="R", plugins=plugins)

    [line] = shown()
    assert line.endswith(f"; `famulus payments settle --run {gateway.run_id}` settles it")
    settle_payments(database, plugins=plugins)
    assert shown() == []


def test_a_refused_rejection_is_sent_again_by_a_sync(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    shown: Callable[[], list[str]],
) -> None:
    review(database, Decision.REJECTED)
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)

    [line] = shown()
    assert line.endswith(f"; `famulus sync {gateway.run_id}` sends it again")
    sync_now(database, plugins, gateway.run_id)
    assert shown() == []


@pytest.mark.parametrize(
    ("decision", "reported", "what"),
    [
        (Decision.REJECTED, VisitStatus.APPROVED, "rejections"),
        (Decision.REJECTED, VisitStatus.SCREENED_OUT, "rejections"),
        (Decision.ACCEPTED, VisitStatus.PARTIALLY_APPROVED, "approvals"),
        (Decision.ACCEPTED, VisitStatus.SCREENED_OUT, "approvals"),
    ],
)
def test_a_verdict_that_is_refused_for_good_is_listed_until_it_is_acknowledged(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    shown: Callable[[], list[str]],
    decision: Decision,
    caplog: pytest.LogCaptureFixture,
    reported: VisitStatus,
    what: str,
) -> None:
    run = gateway.run_id
    platform.visits.clear()
    platform.others = [
        VisitReport(worker_name="x", reference="visit", status=reported, amount=Decimal("0.04"))
    ]
    platform.verdicts["visit"] = Approve()  # It takes no other verdict.
    deliver_run(database, plugins, run)
    review(database, decision)
    deliver_run(database, plugins, run)

    command = f"`famulus sync {run} --acknowledge`"
    assert command in [line for line in caplog.messages if "refused to" in line][-1]
    for _ in range(2):
        [listed] = read_differences(database, plugins, run)
        assert listed.what.startswith(f"the platform has refused {what}: ")
        assert listed.command == ("sync", run, "--acknowledge")
        [line] = shown()
        assert line.endswith(f"; {command} counts it as settled")
        sync_now(database, plugins, run)
    before = list_payments(database)
    report = sync_now(database, plugins, run, acknowledges=True)

    assert (report.acknowledged, report.undelivered) == (1, [])
    assert read_differences(database, plugins, run) == []
    assert shown() == []
    assert list_payments(database) == before
    assert sync_now(database, plugins, run, acknowledges=True).acknowledged == 0


def test_a_refused_payment_is_not_acknowledged(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    review(database, Decision.ACCEPTED)
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)

    assert sync_now(database, plugins, gateway.run_id, acknowledges=True).acknowledged == 0
    [payment] = list_payments(database)
    assert retry_payment(database, payment.id, plugins=plugins).status is PaymentStatus.CONFIRMED


def test_another_decision_ends_a_refused_verdict(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    review(database, Decision.REJECTED)
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)
    [listed] = read_differences(database, plugins, gateway.run_id)
    assert listed.command == ("sync", gateway.run_id)

    def accept(tx: Transaction) -> None:
        [unit] = tx.rows(UnitTable.select().where(UnitTable.status == UnitStatus.REJECTED))
        decide(tx, unit.id, Decision.ACCEPTED, seen=UnitStatus.REJECTED)
        apply_decisions(tx, [unit.id])

    database.write(accept)
    deliver_run(database, plugins, gateway.run_id)

    assert read_differences(database, plugins, gateway.run_id) == []
    assert len(platform.rewarded) == 1


@pytest.mark.parametrize(("provider", "reward"), [("paying", "0"), ("unpaying", "0.10")])
def test_a_refused_approval_that_pays_nothing_is_sent_again_by_a_sync(
    provider: str,
    reward: str,
    operator: ManualOperator,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    run = launched(operator, platform, provider, reward).run_id
    review(database, Decision.ACCEPTED)
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, run)

    [line] = platform_lines(database, run)
    assert line.endswith(
        f"record a verdict: the balance is too low; `famulus sync {run}` sends it again"
    )
    [logged] = [line for line in caplog.messages if "too low" in line]
    assert logged.endswith(f"`famulus sync {run}` retries it")
    [listed] = read_differences(database, plugins, run)
    assert listed.what == (
        "the platform has refused approvals: the balance is too low; visits visit of x"
    )
    assert listed.command == ("sync", run)
    sync_now(database, plugins, run)
    assert platform_lines(database, run) == []
    assert read_differences(database, plugins, run) == []
    assert platform.rewarded == ["visit"]


@pytest.mark.parametrize(
    ("kind", "action", "what"),
    [
        ("move", "do 'move'", "outbox rows of the kind 'move'"),
        (OutboxKind.DECIDE, "record a verdict", "the verdict 'doubtful'"),
    ],
)
def test_a_row_that_a_newer_version_has_enqueued_is_shown_and_waits(
    kind: str,
    action: str,
    what: str,
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    shown: Callable[[], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def enqueue_unknown(tx: Transaction) -> None:
        visit = tx.row(VisitTable.select(VisitTable.id))
        assert visit is not None
        payload = {"visit": visit.id, "verdict": "doubtful", "n": 1}
        enqueue(tx, run=gateway.run_id, kind=OutboxKind.DECIDE, key="newer", payload=payload)
        tx.execute(OutboxTable.update(kind=str(kind)).where(OutboxTable.key == "newer"))

    database.write(enqueue_unknown)
    deliver_run(database, plugins, gateway.run_id)

    reason = (
        f"the platform has yet to {action}: this version of Famulus cannot deliver {what}; "
        "install a newer one"
    )
    [listed] = read_differences(database, plugins, gateway.run_id)
    assert listed.what == reason
    [line] = shown()
    assert line.startswith(reason)
    assert len([line for line in caplog.messages if what in line]) == 1


def test_an_error_that_no_database_can_hold_is_stored_with_escapes(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    shown: Callable[[], list[str]],
) -> None:
    def decide(self: object, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            yield each.key, RefusedError("no file caf\udce9\0, sorry")

    monkeypatch.setattr(plugins.provider("paying"), "decide", decide)
    review(database, Decision.ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    [line] = shown()
    assert "record a verdict: no file caf\\udce9\\x00, sorry; " in line
    [payment] = list_payments(database, run=gateway.run_id)
    assert payment.error == "no file caf\\udce9\\x00, sorry"
