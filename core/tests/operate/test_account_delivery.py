"""Changes of requesters' accounts that wait, or were refused: ``famulus sync`` sends them again."""

from __future__ import annotations

import pytest
from attrs import evolve

from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.errors import PluginError
from famulus.model.database import Database
from famulus.model.tables import OutboxTable, RequesterTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.operate.account_delivery import (
    deliver_account,
    deliver_accounts,
    requester_numbers,
)
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import kit_plugins

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


def test_an_account_without_its_plugin_keeps_nothing_from_the_others(
    database: Database, plugins: Plugins, platform: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    for provider_type in ("gone", "paying", "lost"):
        database.write(lambda tx: block_worker(tx, provider_type))  # noqa: B023

    with pytest.raises(PluginError, match="there is no provider 'gone'"):
        deliver_accounts(database, plugins)

    assert platform.blocked == {"x"}
    assert "there is no provider 'lost'" in caplog.text
