"""Granting: the change, its event and its outbox rows, written together."""

from __future__ import annotations

from typing import Any

import pytest

import famulus
from famulus import Database, Grant, NotFoundError, PluginError, UsageError
from famulus.engine.platform.bound_provider import deliver_requester
from famulus.engine.qualifications.bulk_grants import Granted, ListedGrant, grant_all
from famulus.engine.qualifications.grants import grant, granted_value, make_qualification, revoke
from famulus.engine.workers import make_worker
from famulus.model.states import OutboxStatus
from famulus.model.tables import EventTable, OutboxTable, RequesterTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import kit_plugins
from famulus.testing.movable_clock import MovableClock

PLATFORM = "paying"


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider(PLATFORM, qualifications=True)))


@pytest.fixture
def worker(database: Database) -> famulus.Worker:
    """A worker of a provider with two requesters; a third requester has another provider."""

    def job(tx: Transaction) -> int:
        for provider, name in ((PLATFORM, "lab"), (PLATFORM, "office"), ("crowd", "other")):
            tx.insert(RequesterTable, provider_type=provider, name=name, created_at=tx.now)
        return make_worker(tx, PLATFORM, "x")

    return famulus.get_worker(database, database.write(job))


def events(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as tx:
        rows = tx.rows(
            EventTable.select().where(EventTable.subject == "worker").order_by(EventTable.id)
        )
    return [(row.old, row.new, row.cause, row.count) for row in rows]


def requester(database: Database, name: str) -> int:
    with database.read() as tx:
        row = tx.row(RequesterTable.select(RequesterTable.id).where(RequesterTable.name == name))
    assert row is not None
    return int(row.id)


def enqueued(database: Database) -> list[tuple[str, str]]:
    """Return the kind of each row and whose it is."""
    query = OutboxTable.select(OutboxTable.kind, RequesterTable.name).join(
        RequesterTable, on=(OutboxTable.requester == RequesterTable.id)
    )
    with database.read() as tx:
        return [(row.kind, row.name) for row in tx.rows(query.order_by(OutboxTable.id))]


def test_grant_writes_an_event_and_an_outbox_row_per_requester(
    database: Database, worker: famulus.Worker
) -> None:
    granted = worker.grant_qualification("good", 3)

    assert granted == Grant(qualification_name="good", value=3, granted_at=database.clock())
    assert events(database) == [(None, "3", "grant", 1)]
    assert enqueued(database) == [("qualify", "lab"), ("qualify", "office")]


def test_same_grant_again_has_no_second_effect(
    database: Database, worker: famulus.Worker, clock: MovableClock
) -> None:
    first = worker.grant_qualification("good")
    clock.advance(60)

    assert worker.grant_qualification("good") == first
    assert len(events(database)) == 1
    assert len(enqueued(database)) == 2


def test_another_value_replaces_the_first(
    database: Database, worker: famulus.Worker, clock: MovableClock
) -> None:
    worker.grant_qualification("good")
    clock.advance(60)
    worker.grant_qualification("good", 0)

    granted = worker.get_granted_qualification("good")
    assert granted is not None
    assert (granted.value, granted.granted_at) == (0, database.clock())
    assert events(database) == [(None, "1", "grant", 1), ("1", "0", "grant", 1)]
    assert len(enqueued(database)) == 4


def test_grant_revocation_and_new_grant_each_enqueue_rows(
    database: Database, worker: famulus.Worker, clock: MovableClock
) -> None:
    worker.grant_qualification("good")
    clock.advance(1)
    assert worker.revoke_qualification("good")
    assert not worker.revoke_qualification("good")
    assert not worker.revoke_qualification("never made")
    clock.advance(1)
    worker.grant_qualification("good")

    assert [new for _, new, _, _ in events(database)] == ["1", "revoked", "1"]
    assert len(enqueued(database)) == 6


def test_worker_lists_their_qualifications(worker: famulus.Worker) -> None:
    worker.grant_qualification("zero", 0)
    worker.grant_qualification("five", 5)

    assert [worker.is_qualified(each) for each in ("zero", "five", "none")] == [False, True, False]
    assert [worker.is_disqualified(each) for each in ("zero", "five", "none")] == [
        True,
        False,
        False,
    ]
    assert [each.qualification_name for each in worker.granted_qualifications()] == ["five", "zero"]
    assert worker.get_granted_qualification("none") is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("", 1, "is empty"), ("good", True, "True is none"), ("good", 2**31, "2147483648 is not")],
)
def test_invalid_grant_is_refused(
    database: Database, worker: famulus.Worker, name: str, value: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        worker.grant_qualification(name, value)

    assert events(database) == []


def test_misspelt_method_is_reported_with_a_suggestion(worker: famulus.Worker) -> None:
    with pytest.raises(AttributeError, match=r"did you mean 'grant_qualification'\?"):
        worker.grant_qualfication("good")  # type: ignore[attr-defined]


def test_worker_is_found_by_the_name_of_the_provider(
    database: Database, worker: famulus.Worker
) -> None:
    assert famulus.find_worker(database, PLATFORM, "x") == worker
    with pytest.raises(
        NotFoundError, match="there is no worker 'x' of crowd; there is one of paying"
    ):
        famulus.find_worker(database, "crowd", "x")
    with pytest.raises(NotFoundError, match="no worker with the id 99"):
        famulus.get_worker(database, 99)


def test_creating_a_qualification_twice_is_the_same_one(database: Database) -> None:
    first = famulus.find_or_create_qualification(database, "good")

    assert famulus.find_or_create_qualification(database, "good") == first
    with pytest.raises(UsageError, match="cannot be seen"):
        famulus.find_or_create_qualification(database, "good\u200b")


def test_nothing_is_enqueued_without_requesters(database: Database, worker: famulus.Worker) -> None:
    def job(tx: Transaction) -> None:
        grant(tx, worker=worker.id, qualification="good", requesters=())
        assert granted_value(tx, worker=worker.id, qualification="good") == 1
        revoke(tx, worker=worker.id, qualification="good", requesters=())
        assert granted_value(tx, worker=worker.id, qualification="good") is None

    database.write(job)

    assert enqueued(database) == []


def test_failed_transaction_leaves_neither_the_grant_nor_its_outbox_row(
    database: Database, worker: famulus.Worker
) -> None:
    def job(tx: Transaction) -> None:
        grant(tx, worker=worker.id, qualification="good")
        raise InterruptedError

    with pytest.raises(InterruptedError):
        database.write(job)
    assert worker.granted_qualifications() == []
    assert (events(database), enqueued(database)) == ([], [])


def test_block_is_enqueued_for_the_platform_only_on_request(
    database: Database, worker: famulus.Worker
) -> None:
    worker.block("spam")
    blocked = [worker.is_blocked]
    assert enqueued(database) == []

    worker.unblock(on_platform=True)

    assert [*blocked, worker.is_blocked] == [True, False]
    assert enqueued(database) == [("block", "lab"), ("block", "office")]


def test_platform_gets_the_state_at_the_time_of_delivery(
    database: Database,
    worker: famulus.Worker,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    worker.grant_qualification("good", 3)
    clock.advance(1)
    worker.grant_qualification("good", 4)
    worker.grant_qualification("bad")
    clock.advance(1)
    worker.revoke_qualification("bad")
    lab = requester(database, "lab")

    deliver_requester(database, plugins, lab)

    assert platform.qualifications == {("x", "good"): 4}
    with database.read() as tx:
        pending = tx.rows(
            OutboxTable.select().where(
                OutboxTable.status == OutboxStatus.PENDING, OutboxTable.requester == lab
            )
        )
    assert pending == []


def listed(database: Database, count: int, value: int = 1) -> list[ListedGrant]:
    number = database.write(lambda tx: make_qualification(tx, "listed"))
    return [ListedGrant(f"w{n}", number, value) for n in range(count)]


def test_list_of_thousands_is_granted_in_batches_to_new_workers(
    database: Database, worker: famulus.Worker, clock: MovableClock
) -> None:
    grants, accounts = listed(database, 2500), [requester(database, "lab")]

    done = grant_all(database, grants, provider_type=PLATFORM, requesters=accounts)
    clock.advance(1)
    again = grant_all(database, grants, provider_type=PLATFORM, requesters=accounts)

    assert done == Granted(changed=2500, unchanged=0, new_workers=2500)
    assert again == Granted(changed=0, unchanged=2500, new_workers=0)
    assert [(new, count) for _, new, _, count in events(database)] == [
        ("granted", 1000),
        ("granted", 1000),
        ("granted", 500),
    ]
    assert len(enqueued(database)) == 2500
    assert famulus.find_worker(database, PLATFORM, "w2499").is_qualified("listed")


def test_list_changes_values_and_keeps_equal_ones(
    database: Database, worker: famulus.Worker
) -> None:
    grant_all(database, listed(database, 3), provider_type=PLATFORM, requesters=())

    done = grant_all(
        database,
        [*listed(database, 1, 5), *listed(database, 4)[1:]],
        provider_type=PLATFORM,
        requesters=(),
    )

    assert done == Granted(changed=2, unchanged=2, new_workers=1)
    assert enqueued(database) == []
    with database.read() as tx:
        assert len(tx.rows(WorkerTable.select().where(WorkerTable.name.startswith("w")))) == 4


def test_a_worker_who_has_never_come_is_made_once_and_can_be_granted_to(
    database: Database, worker: famulus.Worker, plugins: Plugins, platform: FakePlatform
) -> None:
    first, again = (
        famulus.find_or_create_worker(database, PLATFORM, "zoe", plugins=plugins) for _ in range(2)
    )
    first.grant_qualification("good", 4)
    deliver_requester(database, plugins, requester(database, "lab"))

    assert first == again == famulus.find_worker(database, PLATFORM, "zoe")
    assert famulus.find_or_create_worker(database, PLATFORM, "x", plugins=plugins) == worker
    assert platform.qualifications == {("zoe", "good"): 4}


def test_no_worker_of_a_provider_that_is_not_installed_is_made(
    database: Database, plugins: Plugins
) -> None:
    with pytest.raises(PluginError, match=r"no provider 'payin'; did you mean 'paying'"):
        famulus.find_or_create_worker(database, "payin", "zoe", plugins=plugins)

    with database.read() as tx:
        assert tx.rows(WorkerTable.select()) == []
