"""Callbacks stay in the operator's process, and are called over a socket."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from famulus.contracts.views import NotPassed, UnitView, WorkerView
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.script_callbacks import (
    VARIABLE,
    CallbackFailedError,
    CallbackServer,
    RemoteCallbacks,
    callback_names,
)
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState

WORKER = WorkerView(id=1, name="x", provider_type="crowd")
UNIT = UnitView(id=7, assignment_id=3, index=0, data={"n": 1, "text": "\ud800 é"})


@pytest.fixture
def asked() -> list[object]:
    return []


@pytest.fixture
def server(asked: list[object]) -> Iterator[CallbackServer]:
    def worker_can_do_unit(worker: WorkerView, unit: UnitView) -> bool:
        asked.append((worker, unit, os.getpid(), threading.current_thread().name))
        if unit.data["n"] == 0:
            raise ZeroDivisionError("on purpose")
        return bool(unit.data["n"] == 1)

    serving = CallbackServer(RowsState(worker_can_do_unit=worker_can_do_unit))
    yield serving
    serving.close()


@pytest.fixture
def remote(server: CallbackServer) -> Iterator[RemoteCallbacks]:
    callbacks = RemoteCallbacks(server.environment[VARIABLE])
    yield callbacks
    callbacks.close()


def state(remote: RemoteCallbacks) -> RowsState:
    made = remote.state(RowsState, ["worker_can_do_unit"])
    assert isinstance(made, RowsState)
    return made


def test_only_the_callbacks_that_are_set_are_named() -> None:
    assert callback_names(RowsState()) == []
    assert callback_names(RowsState(validate_onboarding=bool)) == ["validate_onboarding"]


def test_arguments_and_results_cross_as_they_are(
    remote: RemoteCallbacks, asked: list[object]
) -> None:
    ask = state(remote).worker_can_do_unit
    assert ask is not None

    assert ask(WORKER, UNIT) is True

    assert asked[0][:2] == (WORKER, UNIT)  # type: ignore[index]


def test_a_callback_that_raises_is_an_error_here_and_a_traceback_there(
    remote: RemoteCallbacks, caplog: pytest.LogCaptureFixture
) -> None:
    ask = state(remote).worker_can_do_unit
    assert ask is not None

    with pytest.raises(CallbackFailedError, match="ZeroDivisionError: on purpose"):
        ask(WORKER, UnitView(id=1, assignment_id=1, index=0, data={"n": 0}))

    assert "Traceback" in caplog.text
    assert ask(WORKER, UNIT) is True


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(remote: RemoteCallbacks) -> None:
    ask = state(remote).worker_can_do_unit
    assert ask is not None
    answers: dict[int, bool] = {}

    def run(n: int) -> None:
        unit = UnitView(id=n, assignment_id=n, index=0, data={"n": n % 2 + 1})
        answers[n] = ask(WORKER, unit)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {n: n % 2 == 0 for n in range(16)}


@pytest.mark.parametrize("asked_before", [False, True])
def test_an_operator_that_is_gone_is_unavailable(
    server: CallbackServer, remote: RemoteCallbacks, asked_before: bool
) -> None:
    ask = state(remote).worker_can_do_unit
    assert ask is not None
    if asked_before:
        ask(WORKER, UNIT)

    server.close()

    for _ in range(3):
        with pytest.raises(UnavailableError, match="do not answer"):
            ask(WORKER, UNIT)


def test_callers_without_the_key_get_no_answer(server: CallbackServer, asked: list[object]) -> None:
    address, _, _ = server.environment[VARIABLE].partition("|")

    with pytest.raises(Exception, match=r"digest|reset|EOF|closed|"):
        Client(address, family="AF_UNIX", authkey=b"guessed")
    with RemotelyClosing(server) as remote:
        ask = state(remote).worker_can_do_unit
        assert ask is not None
        assert ask(WORKER, UNIT) is True
    assert len(asked) == 1


class RemotelyClosing:
    """Callbacks that are closed at the end."""

    def __init__(self, server: CallbackServer) -> None:
        self.remote = RemoteCallbacks(server.environment[VARIABLE])

    def __enter__(self) -> RemoteCallbacks:
        return self.remote

    def __exit__(self, *_: object) -> None:
        self.remote.close()


def test_the_socket_is_in_a_folder_of_ones_own_and_is_removed(server: CallbackServer) -> None:
    address, _, _ = server.environment[VARIABLE].partition("|")
    folder = Path(address).parent

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.close()
    assert not folder.exists()


def test_a_silent_connection_does_not_prevent_closing(
    server: CallbackServer,
) -> None:
    import socket

    address, _, _ = server.environment[VARIABLE].partition("|")
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(address)

        server.close()


ASKER = """
import os, sys
from famulus import Database
from famulus.testing.inprocess import GatewayWorker, kit_plugins
from famulus.engine.open_gateway import open_gateway

with Database(sys.argv[1]) as database:
    gateway = open_gateway(database, int(sys.argv[2]), plugins=kit_plugins())
    page = GatewayWorker(gateway, "x").arrive("a")
    sys.stdout.write(f"{page.status} {page.row}")
    gateway.close()
"""


def run_asker(database: Path, run: int, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ASKER), str(database), str(run)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_serving_process_uses_the_very_state_of_the_operators_closure(tmp_path: Path) -> None:
    allowed = {2}
    asked: list[int] = []

    def worker_can_do_unit(worker: WorkerView, unit: UnitView) -> bool:
        asked.append(unit.data["n"])
        return unit.data["n"] in allowed

    with (
        Database(tmp_path / "a.db") as database,
        ManualOperator(database, plugins=kit_plugins()) as operator,
    ):
        assert isinstance(operator, ManualOperator)
        launched = operator.launch(
            rows_configuration(),
            shared_state=RowsState(
                rows=[{"n": n} for n in range(4)], worker_can_do_unit=worker_can_do_unit
            ),
        )
        operator.load_all(launched)
        callbacks = operator.managed(launched.run_id).callbacks
        assert callbacks is not None
        environment = callbacks.environment

        assert run_asker(tmp_path / "a.db", launched.run_id, environment) == "200 {'n': 2}"
        assert asked[:3] == [0, 1, 2]

    allowed.add(3)
    assert run_asker(tmp_path / "a.db", launched.run_id, environment).startswith("200 {'n': 2}")


@pytest.fixture
def served_remotely(operator: ManualOperator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A gateway that asks the operator of its own process over the socket."""
    launched = operator.launch(
        rows_configuration(blueprint={"onboarding_qualification": "trained"}),
        shared_state=RowsState(
            rows=[{"n": 1}],
            worker_can_do_unit=lambda worker, unit: True,
            validate_onboarding=lambda answers: (
                answers["answer"] == "yes" or NotPassed("Say yes.", screened_out=True)
            ),
        ),
    )
    operator.load_all(launched)
    callbacks = operator.managed(launched.run_id).callbacks
    assert callbacks is not None
    monkeypatch.setenv(VARIABLE, callbacks.environment[VARIABLE])
    gateway = open_gateway(operator.database, launched.run_id, plugins=operator.plugins)
    yield gateway
    gateway.close()


def test_every_callback_of_a_run_is_asked_over_the_socket(served_remotely: Gateway) -> None:
    good, bad = GatewayWorker(served_remotely, "good"), GatewayWorker(served_remotely, "bad")

    assert good.submit(good.arrive(), "yes").row == {"n": 1}
    refused = bad.submit(bad.arrive(), "no")
    assert refused.refusal == "not_qualified"
    assert "<p>Say yes.</p>" in refused.text
    assert "You have done nothing wrong" in refused.text


def test_without_the_operator_the_door_is_busy_and_never_open(
    served_remotely: Gateway, operator: ManualOperator
) -> None:
    worker = GatewayWorker(served_remotely, "x")
    page = worker.arrive("a")
    managed = operator.managed(served_remotely.run_id)
    assert managed.callbacks is not None
    managed.callbacks.close()

    reply = worker.submit(page, "yes")

    assert reply.status == 503
    assert operator.progress(served_remotely.run_id).units == {"launched": 1}
    assert worker.arrive("a").has_form
