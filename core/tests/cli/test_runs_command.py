"""Lists and reports of runs, and ending runs without an operator."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from famulus.cli.commands.runs import run_table
from famulus.cli.program import program
from famulus.data.run_summaries import list_runs
from famulus.engine.gateway import Gateway
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.model.transaction import Transaction
from famulus.operate.ending import begin_finish
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins


@pytest.fixture
def manual(database_file: Path) -> Iterator[ManualOperator]:
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            yield operator


@pytest.fixture
def gateway(manual: ManualOperator) -> Gateway:
    return manual.launch_rows([{"n": 1}, {"n": 2}], task_name="words")


def status_of(manual: ManualOperator) -> RunStatus:
    return manual.progress(1).status


def test_no_runs_in_the_default_database_is_a_hint_and_creates_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAMULUS_DATABASE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    done = CliRunner().invoke(program, ["runs"], prog_name="famulus")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "No runs yet" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", ["status", "stop", "finish", "resume", "sync"])
def test_a_run_that_no_database_has_is_named_and_none_is_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("FAMULUS_DATABASE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    done = CliRunner().invoke(program, [command, "1"], prog_name="famulus")

    assert done.exit_code == 2
    assert "there is no run 1: the database" in done.stderr
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "command",
    [
        "runs",
        "status 1",
        "set 1 max_spend=3",
        "stop 1",
        "finish 1",
        "resume 1",
        "sync",
        "doctor",
        "examine words",
        "review words",
        "export words -o out.csv",
        "payments",
        "payments settle",
        "payments retry 1",
        "bonus 1 0.10 --reason good",
        "compensate 1 zoe 0.10 --reason lost",
        "requesters",
        "qualifications list",
        "qualifications workers trained",
        "workers show zoe",
        "workers refused 1",
    ],
)
def test_a_mistyped_database_is_named_and_not_created(
    famulus: Callable[..., Result], database_file: Path, command: str
) -> None:
    by_variable = famulus(*command.split())
    by_option = famulus("--database", database_file, *command.split())

    for done, source in ((by_variable, "FAMULUS_DATABASE"), (by_option, "--database")):
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"there is no database at {database_file}; correct {source}, or" in done.stderr
        assert done.stderr.count("\n") == 1
    assert not database_file.parent.exists()


def test_list_is_one_line_per_run_where_it_fits(
    famulus: Callable[..., Result], gateway: Gateway
) -> None:
    GatewayWorker(gateway, "x").work()

    head, line = famulus("runs").stdout.splitlines()

    assert head.split() == [
        "RUN",
        "STATUS",
        "UNITS",
        "LAUNCHED",
        "BLUEPRINT",
        "PROVIDER",
        "ADDRESS",
        "TASK",
    ]
    assert line.split()[:3] == ["1", "running", "1/2"]
    assert line.split()[5:] == ["rows", "crowd", "http://nowhere.invalid/", "words"]


def test_list_on_a_narrow_terminal_cuts_nothing_off(
    manual: ManualOperator, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "60")

    lines = run_table(list_runs(manual.database))

    assert max(map(len, lines)) <= 60
    assert len(lines) == 3
    assert {"words", "rows,", "crowd,", "http://nowhere.invalid/"} <= set(" ".join(lines).split())


def test_lists_and_reports_are_json_too(famulus: Callable[..., Result], gateway: Gateway) -> None:
    GatewayWorker(gateway, "x").arrive()

    (listed,) = json.loads(famulus("runs", "--json").stdout)
    report = json.loads(famulus("status", 1, "--json").stdout)

    assert listed["units"] == {"launched": 1, "assigned": 1}
    assert report["units"] == listed["units"]
    assert (report["units_done"], report["units_total"], report["at_work"]) == (0, 2, 1)
    assert report["at_work_until"].endswith("Z")
    assert report["undelivered"] == []


def test_report_shows_workers_and_operator(
    famulus: Callable[..., Result], gateway: Gateway
) -> None:
    GatewayWorker(gateway, "x").arrive()

    shown = famulus("status", 1).stdout

    assert shown.startswith("Run 1 of the task words: running\n")
    assert "0 of 2 done (launched 1, assigned 1)" in shown
    assert "1 worker, until " in shown
    assert f"process {os.getpid()} on " in shown


def test_report_of_a_run_without_operator_shows_how_to_resume(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    manual.close()

    shown = famulus("status", 1).stdout

    assert "no process; `famulus resume 1` resumes it" in shown


def test_list_and_report_agree_on_a_run_whose_operator_was_killed(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    operated_by = {
        json.loads(famulus("status", 1, "--json").stdout)["operated_by"],
        *(run["operated_by"] for run in json.loads(famulus("runs", "--json").stdout)),
    }
    assert [str(each).split()[:2] for each in operated_by] == [["process", str(os.getpid())]]
    manual.database.write(lambda tx: tx.sql("UPDATE task_run SET lease_until = 0"))

    listed, report = famulus("runs").stdout, famulus("status", 1).stdout

    assert listed.splitlines()[1].split()[:4] == ["1", "running", "(no", "process)"]
    assert report.startswith("Run 1 of the task words: running (no process)\n")
    assert "no process; `famulus resume 1` resumes it" in report
    assert json.loads(famulus("runs", "--json").stdout)[0]["operated_by"] is None
    manual.stop(1)
    assert famulus("runs").stdout.splitlines()[1].split()[:2] == ["1", "stopped"]


@pytest.mark.parametrize("command", ["status", "stop", "finish", "resume"])
def test_unknown_run_is_named(
    famulus: Callable[..., Result], gateway: Gateway, command: str
) -> None:
    done = famulus(command, 7)

    assert done.exit_code == 2
    assert done.stderr == "famulus: error: there is no run 7; `famulus runs` lists them\n"


def test_stop_shows_the_workers_at_work_and_their_deadline(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    GatewayWorker(gateway, "x").arrive()

    done = famulus("stop", 1)

    assert done.exit_code == 0
    assert "Run 1 is stopping: no new workers are let in. 1 worker is at work" in done.stdout
    assert status_of(manual) is RunStatus.STOPPING


def test_stop_now_does_not_wait_for_workers(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    GatewayWorker(gateway, "x").arrive()

    done = famulus("stop", 1, "--now")

    assert done.stdout == "Run 1 is stopped; `famulus resume 1` resumes it.\n"
    assert status_of(manual) is RunStatus.STOPPED


def test_finish_of_a_run_without_an_operator_is_done_at_once(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    GatewayWorker(gateway, "x").work()
    GatewayWorker(gateway, "y").arrive()
    manual.close()

    done = famulus("finish", 1)

    assert done.stdout == "Run 1 is finished: 1 of 2 units done, 1 expired.\n"
    assert status_of(manual) is RunStatus.FINISHED


def test_finish_asks_no_provider_while_it_waits_for_workers(
    famulus: Callable[..., Result],
    manual: ManualOperator,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    asked: list[object] = []
    looks: Iterator[Callable[[], object]] = iter(
        [lambda: None, lambda: worker.submit(page), manual.turn]
    )
    clock = SimpleNamespace(sleep=lambda _: next(looks)())
    monkeypatch.setattr("famulus.cli.commands.stop.time", clock)
    monkeypatch.setattr("famulus.operate.run_report.discover_types", asked.append)

    done = famulus("finish", 1)

    assert done.exit_code == 0
    assert "Run 1 is finished: 1 of 2 units done, 1 expired." in done.stdout
    assert asked == []


def test_a_finished_run_cannot_be_ended_again(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    famulus("finish", 1, "--now")

    for arguments in (["stop", 1], ["finish", 1], ["resume", 1]):
        done = famulus(*arguments)
        assert done.exit_code == 1
        assert done.stderr.startswith("famulus: error: run 1 is finished")


def test_hints_name_the_database_that_was_typed(
    famulus: Callable[..., Result], tmp_path: Path
) -> None:
    other = tmp_path / "another one.db"

    done = famulus("--database", other, "runs")

    assert f"famulus --database '{other}' launch" in done.stderr


def test_plugins_are_listed_with_their_types(famulus: Callable[..., Result]) -> None:
    shown = famulus("plugins").stdout

    assert "static_html  famulus-static-html" in shown
    assert "blueprint static_task" in shown
    assert {each["name"] for each in json.loads(famulus("plugins", "--json").stdout)} >= {
        "flask",
        "mock",
        "static_html",
    }


def test_refused_plugin_is_listed_with_the_reason(
    famulus: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_DISABLED_PLUGINS", "mock")

    done = famulus("plugins")

    assert done.exit_code == 0
    assert "refused: disabled by FAMULUS_DISABLED_PLUGINS" in done.stdout


def test_status_shows_why_entrances_are_unknown(
    famulus: Callable[..., Result], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[str]:
        raise ConnectionError("no route to the platform")

    plugins = kit_plugins()
    monkeypatch.setattr("famulus.operate.run_report.discover_types", lambda _: plugins)
    monkeypatch.setattr(plugins.provider("crowd"), "entrances", broken)

    shown = famulus("status", 1)

    assert shown.exit_code == 0
    assert (
        "not known, because crowd cannot be asked now: ConnectionError: no route to the platform"
    ) in shown.stdout
    assert json.loads(famulus("status", 1, "--json").stdout)["entrances"] == []


def test_resume_of_a_run_that_finished_before_its_operator_was_killed_is_a_success(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    def kill(tx: Transaction) -> None:
        begin_finish(tx, 1, "finished")
        tx.sql("UPDATE task_run SET lease_holder = 'killed', lease_until = 0")

    manual.database.write(kill)

    for _ in range(2):
        resumed = famulus("resume", 1)

        assert resumed.exit_code == 0
        assert "Run 1 was finished: 0 of 2 units done, 2 expired." in resumed.stdout


def test_resume_of_a_finished_run_that_was_released_is_refused(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    manual.finish(1)

    resumed = famulus("resume", 1)

    assert resumed.exit_code == 1
    assert "run 1 is finished and cannot be resumed" in resumed.stderr


def test_address_of_a_run_is_shown_until_it_has_ended(
    famulus: Callable[..., Result], manual: ManualOperator, gateway: Gateway
) -> None:
    with manual.database.read() as tx:
        [(address,)] = tx.sql("SELECT url FROM task_run WHERE id = 1")
    commands = (("status", 1), ("runs",), ("status", 1, "--json"), ("runs", "--json"))
    assert all(address in famulus(*command).stdout for command in commands)

    manual.finish(1)

    assert not any(address in famulus(*command).stdout for command in commands)
    assert json.loads(famulus("status", 1, "--json").stdout)["url"] is None
