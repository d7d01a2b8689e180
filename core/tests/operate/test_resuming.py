"""Opening a run again and releasing it: workers find either a server or no open place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

import pytest

from famulus.contracts.architect import Architect, Deployed, Deployment
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities
from famulus.engine.gateway import Gateway
from famulus.engine.runs import find_run
from famulus.errors import ConflictError, Problem, RunBusyError, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.model.states import LoadingStatus, RunStatus
from famulus.model.tables import TaskRunTable
from famulus.operate import lease
from famulus.operate.resuming import reopen_run
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import NowhereArchitect, RowsBlueprint, RowsState
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(3)]


class Probes:
    """The state of a run while its server starts and ends."""

    def __init__(self) -> None:
        self.at_start: Callable[[], object] = lambda: None
        self.at_end: Callable[[], object] = lambda: None

    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        probes = self

        class ProbedArchitect(NowhereArchitect):
            type = "probed"

            def deploy(self, deployment: Deployment) -> Deployed:
                probes.at_start()
                return super().deploy(deployment)

            def shutdown(self) -> None:
                probes.at_end()

        return [ProbedArchitect]


@pytest.fixture
def probes() -> Probes:
    return Probes()


@pytest.fixture
def operator(
    database: Database, probes: Probes, platform: FakePlatform
) -> Iterator[ManualOperator]:
    provider = platform.provider("selling", sells_places=True)
    plugins: Plugins = kit_plugins(platform=PlatformPlugin(provider), probes=probes)
    with ManualOperator(database, plugins=plugins) as manual:
        assert isinstance(manual, ManualOperator)
        yield manual


@pytest.fixture
def stopped(operator: ManualOperator) -> Gateway:
    """The way in to a run that is stopped, with x at work."""
    gateway = operator.launch_rows(ROWS, provider="selling", architect="probed")
    GatewayWorker(gateway, "x").arrive("a")
    operator.stop(gateway.run_id, now=True)
    return gateway


def test_a_worker_who_comes_as_soon_as_a_resumed_run_is_served_gets_work(
    operator: ManualOperator, probes: Probes, platform: FakePlatform, stopped: Gateway
) -> None:
    worker = GatewayWorker(stopped, "y")
    assert worker.arrive().refusal == "run_stopped"
    given = []
    probes.at_start = lambda: given.append((worker.arrive().has_form, set(platform.open)))

    operator.resume(stopped.run_id)

    assert given == [(True, set())]
    assert platform.open


def test_a_run_that_cannot_be_served_again_is_stopped_as_before(
    operator: ManualOperator,
    database: Database,
    probes: Probes,
    platform: FakePlatform,
    stopped: Gateway,
    clock: MovableClock,
) -> None:
    def refuse() -> None:
        clock.advance(5)
        raise UnavailableError("the port is taken")

    probes.at_start = refuse
    for _ in range(3):
        clock.advance(600)
        with pytest.raises(UnavailableError, match="port"):
            operator.resume(stopped.run_id)
        assert find_run(database, stopped.run_id).status is RunStatus.STOPPED
        assert not platform.open

    probes.at_start = lambda: None
    operator.resume(stopped.run_id)
    operator.turn()
    assert GatewayWorker(stopped, "x").arrive("a").has_form


def test_a_run_that_was_just_finished_or_taken_over_is_not_opened_again(
    operator: ManualOperator, database: Database, stopped: Gateway
) -> None:
    run, mine, other = stopped.run_id, lease.Holder(), lease.Holder()
    database.write(lambda tx: lease.acquire(tx, run, other))
    with pytest.raises(RunBusyError, match="taken over by process"):
        database.write(lambda tx: reopen_run(tx, run, mine, Capabilities()))

    database.write(lambda tx: lease.release(tx, run, other))
    operator.finish(run)
    ended_at = find_run(database, run).ended_at
    with pytest.raises(ConflictError, match="is finished"):
        database.write(lambda tx: reopen_run(tx, run, mine, Capabilities()))
    assert find_run(database, run).ended_at == ended_at


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_places_are_closed_before_the_server_ends(
    end: str, operator: ManualOperator, probes: Probes, platform: FakePlatform
) -> None:
    gateway = operator.launch_rows(ROWS, provider="selling", architect="probed")
    assert len(platform.open) == 3
    still_open = []
    probes.at_end = lambda: still_open.append(set(platform.open))

    if end == "stop":
        operator.stop(gateway.run_id, now=True)
    else:
        operator.finish(gateway.run_id)

    assert still_open == [set()]


def _broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("on purpose")


def _broken_rows() -> Iterator[dict[str, int]]:
    yield from ROWS
    _broken()


@pytest.mark.parametrize(
    ("method", "rows", "message"),
    [
        ("problems", list, "the blueprint 'rows' failed while checking: ZeroDivisionError: on"),
        (
            "preview_page",
            _broken_rows,
            "has stored 3 rows of its data, and reading the others failed: ZeroDivisionError",
        ),
    ],
)
def test_a_blueprint_that_fails_at_a_resume_is_named_and_the_run_stays_stopped(
    operator: ManualOperator,
    database: Database,
    stopped: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    rows: Callable[[], Iterable[dict[str, int]]],
    message: str,
) -> None:
    loading = TaskRunTable.update(loading=LoadingStatus.LOADING)
    database.write(lambda tx: tx.execute(loading.where(TaskRunTable.id == stopped.run_id)))
    with monkeypatch.context() as patch:
        patch.setattr(RowsBlueprint, method, _broken)
        with pytest.raises(UsageError, match=message):
            operator.resume(stopped.run_id, shared_state=RowsState(rows=rows()))

    assert find_run(database, stopped.run_id).status is RunStatus.STOPPED
    operator.resume(stopped.run_id, shared_state=RowsState(rows=ROWS))
    assert GatewayWorker(stopped, "x").arrive("a").has_form


@pytest.mark.parametrize("is_warning", [False, True])
def test_what_keeps_a_run_from_admitting_workers_is_reported_at_its_resume(
    operator: ManualOperator,
    database: Database,
    stopped: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_warning: bool,
) -> None:
    def found(self: Provider, plan: Plan) -> list[Problem]:
        return [plan.problem("provider", "the key cannot be read", warning=is_warning)]

    def resume() -> None:
        operator.resume(stopped.run_id)

    with monkeypatch.context() as patch:
        patch.setattr(operator.plugins.provider("selling"), "serving_problems", found)
        if is_warning:
            resume()
        else:
            with pytest.raises(UsageError, match="the key cannot be read"):
                resume()

    assert find_run(database, stopped.run_id).status is (
        RunStatus.RUNNING if is_warning else RunStatus.STOPPED
    )
    said = f"run {stopped.run_id}: provider: the key cannot be read"
    assert (said in caplog.messages) is is_warning


def test_a_provider_that_fails_at_a_resume_is_named(
    operator: ManualOperator, stopped: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator.plugins.provider("selling"), "serving_problems", _broken)

    with pytest.raises(UsageError, match="the provider 'selling' failed while checking: ZeroDiv"):
        operator.resume(stopped.run_id)
