"""What an operator asks of an architect: deploying, with the handle of before, and health."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.contracts.architect import Architect, Deployed, Deployment, ServerHealth
from famulus.contracts.hookspecs import hookimpl
from famulus.data.run_summaries import list_runs
from famulus.engine.runs import find_run
from famulus.errors import PluginError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import RunStatus
from famulus.model.tables import TaskRunTable
from famulus.plugins import Plugins
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus.testing.kinds import NowhereArchitect
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}]
URL = NowhereArchitect.url


class Servers:
    """A plugin whose architect returns what a test sets, and records what it is given."""

    def __init__(self) -> None:
        self.health = ServerHealth.SERVING
        self.given: list[Any] = []
        #: what the next deployments return; the last one again
        self.deployed: list[Any] = [Deployed(URL)]

    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        servers = self

        class Recording(NowhereArchitect):
            type = "recording"

            def deploy(self, deployment: Deployment) -> Deployed:
                servers.given.append(deployment.handle)
                kept = servers.deployed
                deployed: Deployed = kept.pop(0) if len(kept) > 1 else kept[0]
                return deployed

            def health(self) -> ServerHealth:
                return servers.health

        return [Recording]


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.fixture
def plugins(servers: Servers) -> Plugins:
    return kit_plugins(servers=servers)


def launch(operator: ManualOperator) -> int:
    return operator.launch_rows(ROWS, architect="recording").run_id


def test_handle_is_stored_with_the_run_and_given_to_the_next_operator(
    operator: ManualOperator, database: Database, plugins: Plugins, servers: Servers
) -> None:
    first, second = {"machine": "a", "ports": [1, 2]}, ["b"]
    servers.deployed = [Deployed(URL, first), Deployed(URL, second)]
    run = launch(operator)
    assert find_run(database, run).handle == first
    operator.stop(run, now=True)

    with ManualOperator(database, plugins=plugins) as other:
        other.resume(run)

        assert servers.given == [None, first]
        assert find_run(database, run).handle == second


@pytest.mark.parametrize(
    ("health", "deployments"),
    [(ServerHealth.SERVING, 1), (ServerHealth.BUSY, 1), (ServerHealth.GONE, 2)],
)
def test_only_a_server_that_is_gone_is_deployed_again(
    operator: ManualOperator,
    servers: Servers,
    clock: MovableClock,
    health: ServerHealth,
    deployments: int,
) -> None:
    servers.deployed = [Deployed(URL, {"n": 1}), Deployed(URL, {"n": 2})]
    launch(operator)
    servers.health = health

    clock.advance(2)
    operator.turn()

    assert servers.given == [None, {"n": 1}][:deployments]


@pytest.mark.parametrize("health", [ServerHealth.SERVING, ServerHealth.BUSY, ServerHealth.GONE])
def test_handle_is_stored_once_the_database_answers_again(
    operator: ManualOperator,
    database: Database,
    servers: Servers,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    health: ServerHealth,
) -> None:
    servers.deployed = [Deployed(URL, {"n": n}) for n in (1, 2, 3)]
    run = launch(operator)
    servers.health = ServerHealth.GONE
    clock.advance(2)
    with monkeypatch.context() as patch:

        def deploy_as_the_database_goes(architect: Architect, deployment: Deployment) -> Deployed:
            deployed = deploy(architect, deployment)
            patch.setattr(Database, "write", _refuse)
            return deployed

        kind = type(operator.managed(run).architect)
        deploy = kind.deploy
        patch.setattr(kind, "deploy", deploy_as_the_database_goes)
        operator.managed(run).look_after()
    assert find_run(database, run).handle == {"n": 1}
    servers.health = health

    clock.advance(2)
    operator.turn()

    # An architect that deploys again is given what it has started last.
    given, stored = ([2], 3) if health is ServerHealth.GONE else ([], 2)
    assert servers.given == [None, {"n": 1}, *({"n": n} for n in given)]
    assert find_run(database, run).handle == {"n": stored}


def _refuse(*_: object) -> Any:
    raise DatabaseUnavailableError("on purpose")


def test_operator_that_lost_its_run_does_not_deploy_over_the_server_of_another(
    operator: ManualOperator, database: Database, servers: Servers, clock: MovableClock
) -> None:
    run = launch(operator)
    query = TaskRunTable.update(lease_holder="another", handle=["b"])
    database.write(lambda tx: tx.execute(query.where(TaskRunTable.id == run)))
    servers.health = ServerHealth.GONE
    managed = operator.managed(run)

    clock.advance(2)
    managed.look_after()

    assert servers.given == [None]
    assert managed.ended.is_set()
    assert find_run(database, run).handle == ["b"]


def test_architect_of_the_first_contract_fails_the_launch_with_a_sentence(
    operator: ManualOperator, database: Database, servers: Servers
) -> None:
    servers.deployed = [URL]

    with pytest.raises(PluginError, match=r"'recording' returned .* must return famulus\.Deployed"):
        launch(operator)

    assert [run.record.status for run in list_runs(database)] == [RunStatus.FAILED]


@pytest.mark.parametrize("handle", [object(), {"at": float("nan")}, {("a", 1): 2}])
def test_handle_that_is_not_json_is_refused(handle: object) -> None:
    with pytest.raises(PluginError, match="is not JSON"):
        Deployed(URL, handle)


@pytest.mark.parametrize("url", ["http://localhost:3000", "", None])
def test_address_ends_in_a_slash(url: Any) -> None:
    with pytest.raises(PluginError, match="must return one that ends in a slash"):
        Deployed(url)
