"""Requests that a platform sends by itself: verified, and followed by a sync."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from famulus.contracts.provider_views import (
    RunView,
    SyncCursor,
    VisitReport,
    VisitView,
)
from famulus.contracts.receiving import PlatformRequest, Received, Unverified
from famulus.engine.gateway import Gateway
from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.engine.platform_requests import MOST_BYTES
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import VisitStatus
from famulus.model.tables import VisitTable
from famulus.operate.doctor import read_differences
from famulus.plugins import Plugins
from famulus.testing.fake_platform import PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.signed_crowd import SignedCrowdProvider, list_change, signed
from famulus.testing.waiting import wait_until

TYPE = SignedCrowdProvider.type
RETURNED = VisitStatus.RETURNED


class Crowd(SignedCrowdProvider):
    """Counts its syncs; a test replaces parts of it."""

    syncs = 0

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        type(self).syncs += 1
        yield from super().sync(run, visits, cursor)


@pytest.fixture
def crowd() -> type[Crowd]:
    return type("OwnCrowd", (Crowd,), {})


@pytest.fixture
def plugins(crowd: type[Crowd]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(crowd))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "platform.log"


@pytest.fixture
def gateway(operator: ManualOperator, log: Path) -> Gateway:
    """The gateway of a run with the open visits ``a`` and ``b``, synced once."""
    gateway = operator.launch_rows(
        [{"n": number} for number in range(4)], provider=TYPE, provider_options={"log": str(log)}
    )
    for name in "ab":
        GatewayWorker(gateway, name).arrive(name)
    operator.turn()
    return gateway


def is_requested(database: Database, gateway: Gateway) -> bool:
    with database.read() as tx:
        return is_sync_requested(tx, gateway.run_id)


def statuses(database: Database) -> dict[str, VisitStatus]:
    """Return the status of each visit, by its reference."""
    with database.read() as tx:
        rows = tx.rows(VisitTable.select(VisitTable.reference, VisitTable.status))
    return {row.reference: row.status for row in rows}


def test_operator_syncs_at_once_what_the_platform_announces(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    log: Path,
    crowd: type[Crowd],
) -> None:
    list_change(log, "a", "a", RETURNED)
    clock.advance(1)
    operator.turn()
    assert statuses(database)["a"] is VisitStatus.ACCEPTED

    assert gateway.receive(TYPE, signed(["a"], clock())).status == 200
    operator.turn()
    clock.advance(1)
    operator.turn()

    assert statuses(database) == {"a": RETURNED, "b": VisitStatus.ACCEPTED}
    assert (crowd.syncs, is_requested(database, gateway)) == (2, False)


def test_requests_that_come_twice_late_and_in_another_order_have_one_effect(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    log: Path,
) -> None:
    first, second = signed(["a"], clock()), signed(["b"], clock() + timedelta(seconds=1))
    for name in "ab":
        list_change(log, name, name, RETURNED)
    for request in (second, first, first, second):
        assert gateway.receive(TYPE, request).status == 200
        clock.advance(1)
        operator.turn()

    assert statuses(database) == {"a": RETURNED, "b": RETURNED}
    assert not is_requested(database, gateway)


def test_request_during_a_sync_leads_to_another(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    crowd: type[Crowd],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sync(*_: object) -> list[VisitReport]:
        gateway.receive(TYPE, signed(["b"], clock()))
        return []

    monkeypatch.setattr(crowd, "sync", sync)
    gateway.receive(TYPE, signed(["a"], clock()))
    clock.advance(1)
    operator.turn()

    assert is_requested(database, gateway)


def test_announcements_do_not_shorten_the_pause_of_a_platform_that_fails(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    crowd: type[Crowd],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def sync(*_: object) -> list[VisitReport]:
        asked.append(clock())
        raise UnavailableError("throttled", retry_after=60)

    monkeypatch.setattr(crowd, "sync", sync)
    for _ in range(70):
        gateway.receive(TYPE, signed(["a"], clock()))
        clock.advance(1)
        operator.turn()

    assert len(asked) == 2
    assert is_requested(database, gateway)


@pytest.mark.parametrize("how", ["forged", "stale", "unsigned", "too large", "elsewhere"])
def test_request_that_is_refused_has_no_effect(
    gateway: Gateway, database: Database, clock: MovableClock, how: str
) -> None:
    good = signed(["a"], clock())
    name, request, status = {
        "forged": (TYPE, evolve(good, body=good.body.replace(b"a", b"b")), 403),
        "stale": (TYPE, signed(["a"], clock() - timedelta(minutes=6)), 403),
        "unsigned": (TYPE, PlatformRequest(body=good.body, headers={}), 403),
        "too large": (TYPE, signed(b" " * (MOST_BYTES + 1), clock()), 413),
        "elsewhere": ("crowd", good, 404),
    }[how]

    reply = gateway.receive(name, request)

    assert (reply.status, is_requested(database, gateway)) == (status, False)
    assert "signature" not in reply.body


def test_forgeries_are_logged_once_until_a_request_is_verified(
    gateway: Gateway, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    good = signed(["a"], clock())
    for request in (good, *[evolve(good, body=b"[]")] * 3, good, evolve(good, body=b"{}")):
        gateway.receive(TYPE, request)

    assert caplog.text.count("not verified (403): the signature does not match the body") == 2


def test_what_is_not_stored_here_is_left_out(
    gateway: Gateway, operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    other = operator.launch_rows([{"n": 1}])
    GatewayWorker(other, "c").arrive("c")

    reply = gateway.receive(TYPE, signed(["c", "never seen", "\0", " "], clock()))

    assert reply.status == 200
    assert not is_requested(database, gateway)
    assert not is_requested(database, other)


def test_any_run_of_the_provider_receives_for_all(
    gateway: Gateway, operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    other = operator.launch_rows([{"n": 1}], provider=TYPE)

    other.receive(TYPE, signed(["a"], clock()))

    assert (is_requested(database, gateway), is_requested(database, other)) == (True, False)


def test_run_without_an_operator_keeps_the_request_for_the_next_one(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    plugins: Plugins,
    log: Path,
) -> None:
    operator.stop(gateway.run_id, now=True)
    list_change(log, "a", "a", RETURNED)
    gateway.receive(TYPE, signed(["a"], clock()))
    found = [str(each.what) for each in read_differences(database, plugins, gateway.run_id)]
    assert "its platform has announced changes that are not read yet" in found

    operator.resume(
        gateway.run_id, shared_state=operator.managed(gateway.run_id).bound.plan.shared_state
    )
    operator.turn()

    assert statuses(database)["a"] is RETURNED
    assert not is_requested(database, gateway)


def test_provider_that_hangs_costs_itself_alone(
    gateway: Gateway,
    clock: MovableClock,
    crowd: type[Crowd],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("famulus.engine.platform_requests._PATIENCE", 0.01)
    released, calls = threading.Event(), threading.Semaphore(0)
    receive = crowd.receive

    def hang(self: Crowd, request: PlatformRequest) -> Received | Unverified:
        calls.release()
        released.wait()
        return receive(self, request)

    monkeypatch.setattr(crowd, "receive", hang)
    request = signed(["a"], clock())
    replies = [gateway.receive(TYPE, request) for _ in range(9)]

    assert {(each.status, each.headers["Retry-After"]) for each in replies} == {(503, "8")}
    assert all(calls.acquire(timeout=30) for _ in range(4))
    assert not calls.acquire(blocking=False)
    assert caplog.text.count("has not returned within") == 1
    assert GatewayWorker(gateway, "c").arrive().has_form

    monkeypatch.setattr("famulus.engine.platform_requests._PATIENCE", 30)
    released.set()
    wait_until(lambda: gateway.receive(TYPE, request).status == 200, "a reply")


@pytest.mark.parametrize("error", [ZeroDivisionError("a mistake"), SystemExit(0)])
def test_provider_that_raises_has_the_request_sent_again(
    gateway: Gateway,
    clock: MovableClock,
    crowd: type[Crowd],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    def fail(*_: object) -> Received:
        raise error

    monkeypatch.setattr(crowd, "receive", fail)

    reply = gateway.receive(TYPE, signed(["a"], clock()))

    assert (reply.status, reply.body) == (500, "Something went wrong here.")
    assert type(error).__name__ in caplog.text


def test_reply_of_the_provider_is_sent(gateway: Gateway, clock: MovableClock) -> None:
    challenged = gateway.receive(TYPE, signed([], clock(), {"challenge": "c"}))
    senseless = gateway.receive(TYPE, signed(b"\xff", clock()))

    assert (challenged.status, challenged.headers) == (200, {"X-Challenge": "c"})
    assert (senseless.status, senseless.body) == (400, "no JSON")


def test_requests_are_answered_again_once_threads_can_be_started(
    gateway: Gateway, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    request = signed(["a"], clock())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        replies = [gateway.receive(TYPE, request) for _ in range(6)]

    assert {(reply.status, reply.headers["Retry-After"] != "") for reply in replies} == {
        (503, True)
    }
    assert gateway.receive(TYPE, request).status == 200
