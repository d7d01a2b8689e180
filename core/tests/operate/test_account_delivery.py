"""Changes of requesters' accounts that wait, or were refused: ``famulus sync`` sends them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.errors import PluginError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, RequesterTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.operate.account_delivery import (
    deliver_account,
    deliver_accounts,
    requester_numbers,
)
from famulus.operate.doctor import read_differences
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import kit_plugins
from famulus.testing.movable_clock import MovableClock

#: A process id that this machine does not give.
ENDED_PID = 2**30


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider(qualifications=True)))


def block_worker(tx: Transaction, provider_type: str) -> None:
    """Enqueue the block of a new worker for the platform of a new requester."""
    columns = {"provider_type": provider_type, "created_at": tx.now}
    requester = tx.insert(RequesterTable, name=f"r of {provider_type}", **columns)
    worker = tx.insert(WorkerTable, name="x", blocked=True, **columns)
    enqueue(
        tx,
        requester=requester,
        kind=OutboxKind.BLOCK,
        key=f"block-{provider_type}",
        payload={"worker": worker, "reason": "why"},
    )


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.THROTTLED, Fault.BROKEN])
def test_a_change_that_failed_is_sent_again_at_once(
    database: Database, plugins: Plugins, platform: FakePlatform, fault: Fault
) -> None:
    database.write(lambda tx: block_worker(tx, "paying"))
    platform.faults = [fault]
    deliver_accounts(database, plugins)
    assert platform.blocked == set()

    assert deliver_accounts(database, plugins) == 1
    assert platform.blocked == {"x"}
    assert deliver_accounts(database, plugins) == 0
    assert platform.calls == ["block", "block"]


def test_a_change_of_a_process_that_was_killed_is_sent_at_once(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    database.write(lambda tx: block_worker(tx, "paying"))
    platform.faults = [Fault.KILLED]
    with pytest.raises(Killed):
        deliver_accounts(database, plugins)
    (requester,) = requester_numbers(database, "paying").values()
    busy = deliver_account(database, plugins, requester)
    assert (busy.delivered, busy.elsewhere) == (0, 1)

    ended = str(evolve(ProcessIdentity.current(), pid=ENDED_PID))
    database.write(lambda tx: tx.execute(OutboxTable.update(claimed_by=ended)))
    done = deliver_account(database, plugins, requester)

    assert (done.delivered, done.elsewhere) == (1, 0)
    assert platform.blocked == {"x"}


@pytest.mark.parametrize("is_claimed", [False, True])
def test_a_change_that_no_process_delivers_is_listed_by_the_doctor(
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
    is_claimed: bool,
) -> None:
    """The process that enqueued it was killed, before the call or during it."""
    database.write(lambda tx: block_worker(tx, "paying"))
    if is_claimed:
        platform.faults = [Fault.KILLED]
        with pytest.raises(Killed):
            deliver_accounts(database, plugins)
    assert read_differences(database, plugins) == []
    clock.advance(181)

    [found] = read_differences(database, plugins)

    assert found.what == (
        "qualifications or blocks could not be sent to paying as r of paying: "
        "no process has delivered them"
    )
    assert found.command == ("sync",)
    deliver_accounts(database, plugins)
    assert read_differences(database, plugins) == []


def add_block(database: Database, name: str) -> int:
    """Enqueue the block of one more worker; return the number of the requester."""

    def add(tx: Transaction) -> int:
        (account,) = tx.rows(RequesterTable.select(RequesterTable.id))
        worker = tx.insert(
            WorkerTable, name=name, blocked=True, provider_type="paying", created_at=tx.now
        )
        enqueue(
            tx,
            requester=account.id,
            kind=OutboxKind.BLOCK,
            key=f"block-{name}",
            payload={"worker": worker, "reason": "why"},
        )
        return int(account.id)

    return database.write(add)


def test_a_refusal_is_reported_after_the_clock_was_set_back(
    database: Database, plugins: Plugins, platform: FakePlatform, clock: MovableClock
) -> None:
    database.write(lambda tx: block_worker(tx, "paying"))
    platform.faults = [Fault.REFUSED]
    deliver_accounts(database, plugins)
    old = OutboxTable.update(error="an old refusal")
    database.write(lambda tx: tx.execute(old))

    clock.advance(-3600)
    requester = add_block(database, "y")
    platform.faults = [Fault.REFUSED]
    done = deliver_account(database, plugins, requester)

    assert (done.delivered, done.refused) == (0, ["the balance is too low"])


def test_a_change_that_another_process_has_refused_is_not_counted(
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process enqueues a change and has it refused while this one delivers its own."""
    database.write(lambda tx: block_worker(tx, "paying"))
    (requester,) = requester_numbers(database, "paying").values()
    call = FakePlatform.call

    def refuse_another(self: FakePlatform, name: str, effect: Callable[[], Any]) -> Any:
        monkeypatch.undo()
        add_block(database, "y")
        refused = OutboxTable.update(
            status=OutboxStatus.FAILED, error="too late", done_at=database.clock()
        ).where(OutboxTable.key == "block-y")
        database.write(lambda tx: tx.execute(refused))
        return call(self, name, effect)

    monkeypatch.setattr(FakePlatform, "call", refuse_another)
    done = deliver_account(database, plugins, requester)

    assert (done.delivered, done.refused) == (1, [])
    assert platform.blocked == {"x"}


def test_an_account_without_its_plugin_keeps_nothing_from_the_others(
    database: Database, plugins: Plugins, platform: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    for provider_type in ("gone", "paying", "lost"):
        database.write(lambda tx: block_worker(tx, provider_type))  # noqa: B023

    with pytest.raises(PluginError, match="there is no provider 'gone'"):
        deliver_accounts(database, plugins)

    assert platform.blocked == {"x"}
    assert "there is no provider 'lost'" in caplog.text
