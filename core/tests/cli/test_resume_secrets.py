"""Runs with a secret in their configuration: served with it, stored without it, resumed with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from famulus.errors import ConflictError, UsageError
from famulus.model.database import Database
from famulus.model.tables import TaskRunTable
from famulus.operate.operator import Operator
from famulus.testing.command import famulus_command

pytestmark = pytest.mark.slow

GUARDED = """
from __future__ import annotations
from attrs import frozen
from famulus import Nothing, Preview, Provider, hookimpl, option

@frozen(kw_only=True)
class GuardedArgs:
    token: str | None = option(help="Opens the door.", secret=True, required=True)

class Guarded(Provider):
    \"\"\"A crowd behind a door.\"\"\"
    type = "guarded"
    Args = GuardedArgs
    default_requester = "me"

    def problems(self, plan):
        return []

    def arrive(self, query):
        assert self.args.token == "hush"
        return Preview()

    def entrances(self, run):
        return [f"{run.url}?worker_id=x"]

    def completion(self, visit, outcome):
        return Nothing()

@hookimpl
def famulus_register_providers():
    return [Guarded]
"""
SECRET = "provider.token"
VARIABLE = "FAMULUS_SECRET_PROVIDER_TOKEN"


@pytest.fixture
def guarded(install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("guarded", GUARDED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def stopped(guarded: None, example: Path, database_file: Path) -> Path:
    """A database with a run that was launched with the secret, and was stopped."""
    overrides = ["provider=guarded", f"{SECRET}=hush", "architect.port=0"]
    with Database(database_file) as database, Operator(database) as operator:
        run = operator.launch(example, overrides=overrides)
        assert is_served(run.url)
    return database_file


def is_served(url: str) -> bool:
    with urllib.request.urlopen(f"{url}?worker_id=x", timeout=10) as reply:
        return bool(reply.status == 200)


def test_resume_names_the_variable_of_the_secret(
    stopped: Path, famulus: Callable[..., Result]
) -> None:
    done = famulus("resume", 1)

    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        f"famulus: error: {SECRET}: run 1 needs this secret again, since secrets are not stored; "
        f"set {VARIABLE} in the environment"
    )
    assert b"hush" not in stopped.read_bytes()


def test_resume_takes_the_secret_from_the_environment(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "hush")

    with famulus_command("resume", "1", database=stopped) as resumed:
        assert is_served(resumed.url())
        resumed.interrupt()
        assert resumed.wait() == 0


def test_program_gives_the_secret_again(stopped: Path) -> None:
    with Database(stopped) as database, Operator(database) as operator:
        with pytest.raises(UsageError, match="needs this secret again"):
            operator.resume(1)

        assert is_served(operator.resume(1, secrets={SECRET: "hush"}).url)


def test_script_brings_the_secret_again(
    guarded: None,
    example: Path,
    tmp_path: Path,
    database_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "scripted"
    shutil.copytree(example.parent.parent, folder)
    (folder / "run_task.py").write_text(
        """
from famulus import SharedTaskState, task_script
from famulus_static_html import SharedStaticTaskState

@task_script(default_config_file="example")
def main(operator, cfg):
    cfg.provider.token = "hush"
    state = SharedStaticTaskState(worker_can_do_unit=lambda worker, unit: True)
    operator.launch_task_run(cfg, state)
    operator.close()

main()
"""
    )
    monkeypatch.setenv("FAMULUS_DATABASE", str(database_file))
    script = [sys.executable, "run_task.py", "provider=guarded", "architect.port=0"]
    launched = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)
    assert launched.returncode == 0, launched.stderr

    with famulus_command("resume", "1", database=database_file) as resumed:
        assert is_served(resumed.url())
        resumed.interrupt()
        assert resumed.wait() == 0


def test_run_does_not_go_on_where_its_provider_has_left_or_entered_the_sandbox(
    stopped: Path,
) -> None:
    with Database(stopped) as database, Operator(database) as operator:
        database.write(lambda tx: tx.execute(TaskRunTable.update(sandbox=True)))

        with pytest.raises(ConflictError, match="guarded was a sandbox, but the installed"):
            operator.resume(1, secrets={SECRET: "hush"})
