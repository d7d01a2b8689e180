"""A command that ends a run on a platform closes its places, or fails with a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from famulus.cli.follow import conclude
from famulus.cli.session import Session
from famulus.engine.places.closing import ClosingLimits, PlacesOpenError
from famulus.model.database import Database
from famulus.operate.manual_sync import sync_now
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins

Famulus = Callable[..., Result]
FOREVER = 99


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    """A platform whose provider is the only one installed besides the kit's."""
    fake = FakePlatform()
    plugins = kit_plugins(platform=PlatformPlugin(fake.provider("selling", sells_places=True)))
    for module in ("operate.operator", "cli.commands.sync"):
        monkeypatch.setattr(f"famulus.{module}.discover", lambda: plugins)
    monkeypatch.setattr("famulus.operate.run_report.discover_types", lambda _: plugins)
    monkeypatch.setattr(
        "famulus.operate.operator.Operator._closing_limits", ClosingLimits(pauses=(0.0, 0.0))
    )
    return fake


@pytest.fixture
def run(platform: FakePlatform, database_file: Path) -> Iterator[int]:
    """A run of two places, of an operator that was killed."""
    with Database(database_file) as database:
        operator = ManualOperator(database)
        yield operator.launch_rows([{"n": 1}, {"n": 2}], provider="selling").run_id
        database.write(lambda tx: tx.sql("UPDATE task_run SET lease_until = 0"))


@pytest.mark.parametrize("command", [("stop", "--now"), ("finish", "--now")])
def test_a_command_that_cannot_close_places_exits_with_1_and_sync_closes_them(
    command: tuple[str, ...], famulus: Famulus, run: int, platform: FakePlatform
) -> None:
    platform.faults = [Fault.THROTTLED] * FOREVER
    failed = famulus(command[0], run, *command[1:])
    assert (failed.exit_code, platform.open) == (1, {0, 1})
    assert "closing its places on the platform is not complete (throttled)" in failed.stderr
    assert "`famulus sync 1` completes it" in failed.stderr

    status, listed = famulus("status", run), famulus("doctor", run)
    assert "the platform has yet to close its places" in status.stdout
    assert (listed.exit_code, "to close its places" in listed.stdout) == (1, True)

    platform.faults.clear()
    synced = famulus("sync", run)
    assert (synced.exit_code, platform.open) == (0, set())


def test_sync_closes_the_places_of_a_run_without_an_operator_with_a_message(
    famulus: Famulus, run: int, platform: FakePlatform, database_file: Path
) -> None:
    with Database(database_file) as database:
        database.write(lambda tx: tx.sql("UPDATE task_run SET lease_until = 0"))

    synced = famulus("sync", run)

    assert (synced.exit_code, platform.open) == (0, set())
    assert "No process operates run 1: its places on the platform are closed." in synced.stdout


def test_a_run_that_ends_with_open_places_ends_its_command_with_1_and_names_the_remedy(
    platform: FakePlatform, database_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(None, address_typed=False, verbose=False)
    with Database(database_file) as database:
        operator = ManualOperator(database)
        run = operator.launch_rows([{"n": 1}], provider="selling").run_id
        platform.faults = [Fault.THROTTLED] * FOREVER
        with pytest.raises(PlacesOpenError):
            operator.close()
        open_status = conclude(session, database, run)
        shown = capsys.readouterr().out
        platform.faults.clear()
        sync_now(database, operator.plugins, run)
        closed_status = conclude(session, database, run)

    assert (open_status, closed_status) == (1, 0)
    assert f"Close its places: famulus sync {run}" in shown
