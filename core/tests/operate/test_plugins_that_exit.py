"""A plugin that calls ``sys.exit`` ends neither the operator nor its care for the run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

import famulus
from famulus.contracts.architect import Architect
from famulus.contracts.hookspecs import hookimpl
from famulus.engine.runs import find_run
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import NowhereArchitect

T = TypeVar("T")

ROWS = [{"n": 1}, {"n": 2}]


class ExitingArchitect(NowhereArchitect):
    type = "exiting"

    def shutdown(self) -> None:
        sys.exit(3)


class ExitingPlugin:
    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        return [ExitingArchitect]


class ExitingPlatform(FakePlatform):
    def call(self, name: str, act: Callable[[], T]) -> T:
        self.calls.append(name)
        sys.exit(3)


def test_a_run_ends_although_its_architect_exits(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = kit_plugins(exiting=ExitingPlugin())
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows(ROWS, architect="exiting")
        for _ in ROWS:
            GatewayWorker(gateway, "x").work()
        operator.turn()

        assert not operator.holds(gateway.run_id)

    record = find_run(database, gateway.run_id)
    assert (record.status, record.lease_holder) == ("finished", "")
    assert "the architect 'exiting' could not end the server" in caplog.text


def test_a_run_goes_on_and_ends_although_its_provider_exits(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    platform = ExitingPlatform()
    provider = platform.provider("selling", sells_places=True, reports_submissions=True)
    operator = ManualOperator(database, plugins=kit_plugins(platform=PlatformPlugin(provider)))
    gateway = operator.launch_rows(ROWS, provider="selling")
    GatewayWorker(gateway, "x").work()
    operator.turn()
    assert operator.holds(gateway.run_id)

    operator.finish(gateway.run_id)

    assert not operator.holds(gateway.run_id)
    assert len(set(platform.calls)) >= 3, "opening, closing and asking"
    assert re.search("cannot be asked about visits: .*'selling'.*: SystemExit: 3", caplog.text)
    with pytest.raises(UnavailableError, match="SystemExit: 3"):
        operator.close()


def test_wherever_third_party_code_is_called_its_exit_is_an_error_like_others() -> None:
    source = Path(famulus.__file__).parent
    handlers = re.compile(r"^ *except Exception\b.*third-party.*", re.MULTILINE)

    found = {
        path.name: handlers.findall(path.read_text(encoding="utf-8"))
        for path in source.rglob("*.py")
    }

    assert not {name: lines for name, lines in found.items() if lines}
