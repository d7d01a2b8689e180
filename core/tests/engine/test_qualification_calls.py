"""Qualifications and blocks: the platform gets the state of the time of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue
from famulus.engine.platform.bound_provider import deliver_requester
from famulus.errors import NotFoundError, PluginError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import (
    GrantedQualificationTable,
    OutboxTable,
    QualificationTable,
    RequesterTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

GRANTED = {("x", "careful"): 3}


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider(qualifications=True)))


@pytest.fixture
def requester(database: Database) -> int:
    return database.write(
        lambda tx: tx.insert(RequesterTable, provider_type="paying", name="r", created_at=tx.now)
    )


@pytest.fixture
def worker(database: Database, requester: int) -> int:
    """The worker x, with a grant of ``careful`` = 3 that is enqueued for the platform."""

    def job(tx: Transaction) -> int:
        worker = tx.insert(WorkerTable, provider_type="paying", name="x", created_at=tx.now)
        qualification = tx.insert(QualificationTable, name="careful", created_at=tx.now)
        tx.insert(
            GrantedQualificationTable,
            worker=worker,
            qualification=qualification,
            value=3,
            granted_at=tx.now,
        )
        payload = {"worker": worker, "qualification": qualification}
        enqueue(tx, requester=requester, kind=OutboxKind.QUALIFY, key="grant", payload=payload)
        return worker

    return database.write(job)


def revoke(database: Database) -> None:
    database.write(lambda tx: tx.execute(GrantedQualificationTable.delete()))


def test_grant_is_sent_once(
    worker: int, requester: int, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    for _ in range(2):
        deliver_requester(database, plugins, requester)

    assert (platform.qualifications, platform.calls) == (GRANTED, ["grant"])


def test_grant_that_was_revoked_before_its_delivery_is_not_sent(
    worker: int, requester: int, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    revoke(database)
    deliver_requester(database, plugins, requester)

    assert (platform.qualifications, platform.calls) == ({}, ["revoke"])


def test_change_during_the_call_is_sent_again(
    worker: int,
    requester: int,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = platform.call

    def slow(name: str, act: Callable[[], Any]) -> Any:
        if name == "grant":
            revoke(database)
        return call(name, act)

    monkeypatch.setattr(FakePlatform, "call", lambda self, name, act: slow(name, act))
    deliver_requester(database, plugins, requester)

    assert (platform.qualifications, platform.calls) == ({}, ["grant", "revoke"])


def test_grants_of_a_batch_have_their_own_results(
    worker: int,
    requester: int,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    """Of four rows, two about one grant, the platform gets three items."""

    def job(tx: Transaction) -> None:
        (known,) = tx.rows(QualificationTable.select())
        for name in ("y", "z"):
            other = tx.insert(WorkerTable, provider_type="paying", name=name, created_at=tx.now)
            payload = {"worker": other, "qualification": known.id}
            enqueue(tx, requester=requester, kind=OutboxKind.QUALIFY, key=name, payload=payload)
            tx.insert(
                GrantedQualificationTable,
                worker=other,
                qualification=known.id,
                value=5,
                granted_at=tx.now,
            )
        payload = {"worker": worker, "qualification": known.id}
        enqueue(tx, requester=requester, kind=OutboxKind.QUALIFY, key="again", payload=payload)

    database.write(job)
    plugins.provider("paying").batch_size = 4
    platform.faults = [None, Fault.THROTTLED]

    deliver_requester(database, plugins, requester)

    assert platform.calls == ["grant"] * 3
    assert platform.qualifications == {**GRANTED, ("z", "careful"): 5}
    clock.advance(1)
    deliver_requester(database, plugins, requester)
    assert platform.calls == ["grant"] * 4
    assert platform.qualifications[("y", "careful")] == 5


def test_throttled_grant_is_sent_later_by_the_operator_of_any_run_of_the_account(
    worker: int,
    requester: int,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [Fault.THROTTLED]
    assert deliver_requester(database, plugins, requester) == 0
    set_name = RequesterTable.update(name="requester of the crowd").where(
        RequesterTable.id == requester
    )
    database.write(lambda tx: tx.execute(set_name))
    clock.advance(1)

    with ManualOperator(database, plugins=plugins) as operator:
        operator.launch_rows([{"n": 1}], provider="paying")
        operator.turn()

    assert platform.qualifications == GRANTED


@pytest.mark.parametrize(("blocked", "on_platform"), [(True, {"x"}), (False, set())])
def test_block_on_the_platform_follows_the_local_one(
    worker: int,
    requester: int,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    blocked: bool,
    on_platform: set[str],
) -> None:
    def job(tx: Transaction) -> None:
        tx.execute(WorkerTable.update(blocked=blocked).where(WorkerTable.id == worker))
        payload = {"worker": worker, "reason": "why"}
        enqueue(tx, requester=requester, kind=OutboxKind.BLOCK, key="block", payload=payload)

    platform.blocked = {"x"}
    database.write(job)
    deliver_requester(database, plugins, requester)

    assert platform.blocked == on_platform


def test_nothing_is_sent_to_a_platform_without_qualifications(
    worker: int, requester: int, database: Database, platform: FakePlatform
) -> None:
    plugins = kit_plugins(platform=PlatformPlugin(platform.provider()))
    deliver_requester(database, plugins, requester)

    assert platform.calls == []
    with database.read() as tx:
        (row,) = tx.rows(OutboxTable.select(OutboxTable.status))
    assert row.status is OutboxStatus.DONE


def test_provider_that_cannot_be_constructed_is_an_error_that_names_it(
    worker: int,
    requester: int,
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: CrowdProvider, args: object, context: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(plugins.provider("paying"), "__init__", broken)

    with pytest.raises(PluginError, match="'paying' cannot be constructed: ZeroDivisionError: on"):
        deliver_requester(database, plugins, requester)


def test_unknown_requester_is_an_error(database: Database, plugins: Plugins) -> None:
    with pytest.raises(NotFoundError, match="there is no requester 9"):
        deliver_requester(database, plugins, 9)
