"""An architect that breaks a rule fails the test of that rule with a sentence."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import broken_architects as architects
from famulus.contracts.architect import Architect
from famulus.engine.gateway import Gateway
from famulus.engine.runs import find_run
from famulus.errors import PluginError
from famulus.model.database import Database
from famulus.testing import ArchitectConformance
from famulus.testing.installed import install_plugin
from outside_server import OutsideServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
_NOTHING_IS_STARTED = "architect_of_a_program_outside_starts_nothing_and_has_nothing_to_start_again"


@pytest.fixture(autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # The servers import the application from there, and what registers the example.
    for module, source in (
        ("broken_architects", ROOT / "tests/support"),
        ("famulus_gunicorn", ROOT / "sdk_examples/gunicorn_architect/src"),
    ):
        folder = tmp_path_factory.mktemp("installed")
        install_plugin(folder, module, source=source, patch=monkeypatch)
    monkeypatch.setattr("famulus.serving.process_architect._PATIENCE_WHEN_DEPLOYING", 0.2)
    monkeypatch.setattr("famulus.serving.process_architect._PATIENCE_WHEN_CHECKING", 0.2)
    monkeypatch.setattr("famulus.testing.conformance.architect._PATIENCE", 4.0)


class Rules(ArchitectConformance):
    architect = architects.Kept

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"port": 0}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {"no such port": {"port": 70_000}}


class OutsideRules(ArchitectConformance):
    """Of architects that start nothing."""

    starts_server = False
    server: OutsideServer

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"public_url": self.server.url}

    def serve_outside(self, gateway: Gateway, url: str) -> AbstractContextManager[None]:
        return self.server.serving(gateway, url)


class TestKept(Rules):
    """The architect that the others are made from is right."""


def rules_for(architect: type[Architect]) -> Rules:
    rules = Rules()
    rules.architect = architect  # type: ignore[misc, assignment]
    return rules


def check(rules: ArchitectConformance, rule: str, tmp_path: Path) -> None:
    test = getattr(rules, f"test_{rule}")
    test() if rule in ("core_finds_the_class", "every_option_has_help") else test(tmp_path)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (architects.Unregistered, "core_finds_the_class", "there is no architect 'unregistered'"),
        (architects.Silent, "every_option_has_help", "more have none"),
        (architects.Careless, "broken_configuration_is_reported", "missed: no such port"),
        (architects.Placeless, "broken_configuration_is_reported", "must say where"),
        (architects.Writing, "checking_writes_and_starts_nothing", "must not write anything"),
        (
            architects.Binding,
            "the_configuration_of_a_run_that_is_served_has_no_problem",
            "must accept an address that is taken",
        ),
        (architects.Texting, "run_is_served_from_start_to_end", r"must return famulus\.Deployed"),
        (architects.Unstorable, "run_is_served_from_start_to_end", "is not JSON"),
        (architects.Yes, "run_is_served_from_start_to_end", "while the run is served, not True"),
        (architects.Losing, "run_is_served_from_start_to_end", "which stores the form"),
        (architects.Doorless, "run_is_served_from_start_to_end", "answered by Gateway.enter"),
        (
            architects.Closed,
            "many_workers_at_once_each_get_a_unit_of_their_own",
            "must each be answered with a form",
        ),
        (
            architects.Assetless,
            "asset_is_served_and_nothing_outside_its_folder",
            "must be served under their own names",
        ),
        (
            architects.Leaking,
            "asset_is_served_and_nothing_outside_its_folder",
            "Only files for which AssetFolder.serves",
        ),
        (architects.Deaf, "request_of_a_platform_reaches_its_provider", "answered with 404"),
        (architects.Decoding, "request_of_a_platform_reaches_its_provider", "byte by byte"),
        (
            architects.Framing,
            "request_of_a_platform_reaches_its_provider",
            "must not have Gateway.headers",
        ),
        (architects.Bare, "headers_of_the_gateway_are_sent", "Every page must come with"),
        (architects.Fencing, "headers_of_the_gateway_are_sent", "can show it in a frame"),
        (
            architects.Sure,
            "shutting_down_twice_is_harmless_and_deploying_again_keeps_the_address",
            "GONE once the server has ended",
        ),
        (
            architects.Once,
            "shutting_down_twice_is_harmless_and_deploying_again_keeps_the_address",
            "it was shut down already",
        ),
        (
            architects.Moving,
            "shutting_down_twice_is_harmless_and_deploying_again_keeps_the_address",
            "keeps its address",
        ),
        (architects.Hasty, "server_with_stalled_requests_is_not_gone", "loses every request"),
        (
            architects.Forgetting,
            "deployment_ends_or_adopts_what_the_handle_names",
            "must end or adopt (what|the server that) the handle names",
        ),
    ],
)
def test_broken_rule_is_named(
    tmp_path: Path, broken: type[Architect], rule: str, sentence: str
) -> None:
    with pytest.raises((AssertionError, PluginError, RuntimeError), match=sentence):
        check(rules_for(broken), rule, tmp_path)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (architects.Listening, _NOTHING_IS_STARTED, "must not serve the run"),
        (
            architects.Restarting,
            _NOTHING_IS_STARTED,
            "must not be ServerHealth.GONE",
        ),
        (
            architects.Wandering,
            "shutting_down_twice_is_harmless_and_deploying_again_keeps_the_address",
            "keeps its address",
        ),
        (
            architects.Wandering,
            "deployment_ends_or_adopts_what_the_handle_names",
            "keeps its address",
        ),
        (
            architects.Wandering,
            "kill_of_the_operator_leaves_nothing_that_answers_and_the_run_is_resumed",
            "keeps its address",
        ),
    ],
)
def test_broken_rule_is_named_where_a_program_outside_serves(
    tmp_path: Path, broken: type[Architect], rule: str, sentence: str
) -> None:
    rules = OutsideRules()
    rules.architect = broken  # type: ignore[misc]
    with (
        contextlib.closing(OutsideServer()) as rules.server,
        pytest.raises(AssertionError, match=sentence),
    ):
        check(rules, rule, tmp_path)


def test_program_outside_is_asked_for(tmp_path: Path) -> None:
    class Unserved(Rules):
        starts_server = False

    with pytest.raises(NotImplementedError, match=r"Unserved must define serve_outside\(\)"):
        check(Unserved(), "run_is_served_from_start_to_end", tmp_path)


def test_checking_that_starts_something_is_found(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    class OnePort(Rules):
        architect = architects.Starting

        def configuration(self, tmp_path: Path) -> dict[str, Any]:
            return {"port": port}

    try:
        with pytest.raises(Exception, match="is taken"):
            OnePort().test_checking_writes_and_starts_nothing(tmp_path)
    finally:
        while architects.Starting.open:
            architects.Starting.open.pop().close()


@pytest.fixture
def orphans_killed(tmp_path: Path) -> Iterator[None]:
    """Kill the server that the architect leaves, by its handle."""
    yield
    with Database(tmp_path / "famulus.db") as database:
        pid = find_run(database, 1).handle["pid"]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_server_that_outlives_its_operator_is_found(tmp_path: Path, orphans_killed: None) -> None:
    rule = "kill_of_the_operator_leaves_nothing_that_answers_and_the_run_is_resumed"

    with pytest.raises(AssertionError, match="must end with its operator"):
        check(rules_for(architects.Orphaning), rule, tmp_path)
