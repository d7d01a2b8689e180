"""The tutorial's second and third parts, command by command: options, files, run scripts."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path

import pytest

from famulus.data.run_summaries import list_runs
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.testing.command import Command, famulus_command, python_command
from famulus.testing.scripted_worker import HttpTransport, ScriptedWorker
from free_ports import free_port

pytestmark = pytest.mark.slow

SIMPLE = Path(__file__).parents[2] / "sdk_examples" / "simple_static_task"
ANY_PORT = "architect.port=0"

#: A user's configuration, in the layout of existing task folders.
MY_CONFIG = """\
#@package _global_
defaults:
  - /mephisto/blueprint: static_task
  - /mephisto/architect: local
  - /mephisto/provider: mock
mephisto:
  blueprint:
    data_csv: ${task_dir}/data_tutorial.csv # the tutorial's data
    task_source: ${task_dir}/server_files/demo_task.html
    preview_source: ${task_dir}/server_files/demo_preview.html
    extra_source_dir: ${task_dir}/server_files/extra_refs
    units_per_assignment: 1 # for one person
  task:
    task_name: first-task-tutorial-run
    task_title: "Test static task"
    task_description: "This is a simple test of static tasks."
    task_reward: 0.3
    task_tags: "static,task,testing"
"""

#: A run script like existing ones, except for its imports.
FORMER_SCRIPT = """\
from dataclasses import dataclass
from typing import Any
from omegaconf import DictConfig
from famulus import Operator, build_default_task_config, task_script

@dataclass
class MyTaskConfig(build_default_task_config('my_config')):
    custom_args: Any = 4

@task_script(config=MyTaskConfig)
def main(operator: Operator, cfg: DictConfig) -> None:
    print(f"custom_args is {cfg.custom_args!r}")
    cfg.mephisto.task.task_title = "A title of the script"
    operator.launch_task_run(cfg.mephisto)
    operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=30)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A copy of the example's folder, to write into."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(SIMPLE, tmp_path / "simple_static_task", ignore=ignored))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "famulus.db"


@pytest.fixture
def port() -> int:
    return free_port()


def worker(url: str, name: str = "x", variant: int = 0) -> ScriptedWorker:
    return ScriptedWorker(HttpTransport(url), name, variant)


def work_until(person: ScriptedWorker, units: int, command: Command) -> None:
    """Have a worker arrive until they have done so many units, and not once more.

    After the last unit of a run its server ends.
    """
    while units > 0:
        assert command.process.poll() is None, command.output
        units -= len(person.submit_all(units))


def runs(database: Path) -> list[tuple[int, RunStatus]]:
    with Database(database) as opened:
        return [(run.record.id, run.record.status) for run in list_runs(opened)]


def test_option_on_the_command_line_serves_at_another_port(
    task: Path, database: Path, port: int
) -> None:
    override = f"mephisto.architect.port={port}"
    with python_command("run_task.py", override, database=database, folder=task) as script:
        assert script.url() == f"http://localhost:{port}/"
        with urllib.request.urlopen(f"http://localhost:{port}/") as reply:
            assert "This is a preview" in reply.read().decode()

        script.interrupt()

        assert script.wait() == 0, script.output
    assert "Run 1 is stopped: 0 of 4 units done." in script.output
    assert "famulus resume 1" in script.output
    assert sorted(path.name for path in task.iterdir() if path.name != "__pycache__") == sorted(
        path.name for path in SIMPLE.iterdir() if path.name != "__pycache__"
    )


def test_another_configuration_is_selected_by_its_name(task: Path, database: Path) -> None:
    (task / "conf" / "my_config.yaml").write_text(MY_CONFIG)

    arguments = ("run_task.py", "conf=my_config", ANY_PORT)
    with python_command(*arguments, database=database, folder=task) as script:
        script.wait_for("Creating a task run under task name: first-task-tutorial-run")
        x = worker(script.url())
        page = x.open()
        assert "Bramble Voss" in page.answer.text
        x.submit(page)

        assert script.wait() == 0, script.output
    assert runs(database) == [(1, RunStatus.FINISHED)]


def test_launch_selects_a_configuration_by_its_name(task: Path, database: Path) -> None:
    (task / "conf" / "my_config.yaml").write_text(MY_CONFIG)
    given = task / "conf" / "example.yaml"

    with famulus_command("launch", given, "conf=my_config", ANY_PORT, database=database) as launch:
        launch.wait_for("Creating a task run under task name: first-task-tutorial-run")
        work_until(worker(launch.url()), 1, launch)

        assert launch.wait() == 0, launch.output


def test_a_script_and_folders_in_the_existing_layout_work(task: Path, database: Path) -> None:
    (task / "hydra_configs").mkdir()
    (task / "conf").rename(task / "hydra_configs" / "conf")
    (task / "hydra_configs" / "conf" / "my_config.yaml").write_text(f"{MY_CONFIG}custom_args: 6\n")
    script_file = task / "static_test_script.py"
    script_file.write_text(FORMER_SCRIPT)

    overrides = ("custom_args=5", "mephisto.architect.port=0", "mephisto/provider=mock")
    with python_command(script_file, *overrides, database=database) as script:
        script.wait_for("custom_args is 5")
        work_until(worker(script.url()), 1, script)

        assert script.wait() == 0, script.output
    with Database(database) as opened:
        (run,) = list_runs(opened)
    assert run.record.plan["task"]["task_title"] == "A title of the script"
    assert run.record.plan["task_dir"] == str(task)


def test_a_killed_script_is_resumed_with_its_function(task: Path, database: Path) -> None:
    arguments = (task / "run_task_with_onboarding.py", ANY_PORT, "right_rating=good")
    with python_command(*arguments, database=database) as script:
        url = script.url()
        first = worker(url, "first", variant=0)
        page = first.open()
        assert page.has_form
        script.kill()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.url() == url
        wrong = worker(url, "wrong", variant=1).open()
        assert wrong.answer.refusal == "not_qualified"
        first.submit(page)
        work_until(first, 1, resumed)
        work_until(worker(url, "second", variant=0), 2, resumed)

        assert resumed.wait() == 0, resumed.output
    assert runs(database) == [(1, RunStatus.FINISHED)]


#: Press Ctrl-C in the instant before signals act as usual again.
AT_THE_END_OF_THE_LAUNCH = """
import os, signal
from famulus.cli.interrupts import Interrupts

release = Interrupts.release

def press_and_release(self):
    Interrupts.release = release
    os.kill(os.getpid(), signal.SIGINT)
    release(self)

Interrupts.release = press_and_release
"""
#: Press Ctrl-C when the operator waits already, and signals are not kept yet.
BEFORE_THE_FIRST_LOOK = """
import os, signal
from famulus.cli.scripts.script_observer import ScriptObserver

follow = ScriptObserver._follow

def press_and_follow(*arguments):
    ScriptObserver._follow = follow
    os.kill(os.getpid(), signal.SIGINT)
    follow(*arguments)

ScriptObserver._follow = press_and_follow
"""


@pytest.mark.parametrize("press", [AT_THE_END_OF_THE_LAUNCH, BEFORE_THE_FIRST_LOOK])
def test_ctrl_c_between_launching_and_waiting_stops_the_run(
    task: Path, database: Path, press: str
) -> None:
    file = task / "run_task.py"
    text = file.read_text(encoding="utf-8")
    first, rest = text.split("from famulus", 1)
    file.write_text(f"{first}{press}\nfrom famulus{rest}", encoding="utf-8")

    with python_command(file, ANY_PORT, database=database) as script:
        assert script.wait() == 0, script.output

    assert runs(database) == [(1, RunStatus.STOPPED)]


def test_two_ctrl_c_end_a_script_whose_function_hangs(task: Path, database: Path) -> None:
    file = task / "hanging.py"
    file.write_text(
        "import threading\n"
        "from famulus import task_script\n"
        "from famulus_static_html import SharedStaticTaskState\n"
        "def hang(unit):\n"
        "    print('It hangs.')\n"
        "    threading.Event().wait()\n"
        '@task_script(default_config_file="example")\n'
        "def main(operator, cfg):\n"
        "    operator.launch_task_run(cfg, SharedStaticTaskState(on_unit_submitted=hang))\n"
        "    operator.wait_for_runs_then_shutdown()\n"
        "main()\n"
    )
    with python_command(file, ANY_PORT, database=database) as script:
        someone = worker(script.url())
        work_until(someone, 1, script)
        script.wait_for("It hangs.")
        someone.open()
        script.interrupt()
        script.wait_for("Press Ctrl-C again")
        script.interrupt()

        assert script.wait() == 130, script.output

    assert "on_unit_submitted has not returned from famulus_unit_submitted" in script.output
    assert runs(database) == [(1, RunStatus.STOPPED)]


def test_a_missing_script_is_named(task: Path, database: Path) -> None:
    file = task / "run_task_with_onboarding.py"
    with python_command(file, ANY_PORT, database=database) as script:
        script.url()
        script.interrupt()
        assert script.wait() == 0
    file.unlink()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.wait() == 2

    assert f"run 1 was launched by {file}, which does not exist any more" in resumed.output
    assert "operator.resume(1, shared_state=…)" in resumed.output
    assert runs(database) == [(1, RunStatus.STOPPED)]


def test_a_script_without_its_function_resumes_nothing(task: Path, database: Path) -> None:
    file = task / "run_task_with_onboarding.py"
    with python_command(file, ANY_PORT, database=database) as script:
        script.url()
        script.interrupt()
        assert script.wait() == 0
    file.write_text(file.read_text().replace("validate_onboarding=understands_ratings", ""))

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.wait() == 2

    assert "shared_state.validate_onboarding: run 1 needs validate_onboarding" in resumed.output
    assert runs(database) == [(1, RunStatus.STOPPED)]


def test_a_script_without_functions_is_not_run_by_a_resume(task: Path, database: Path) -> None:
    with python_command(task / "run_task.py", ANY_PORT, database=database) as script:
        url = script.url()
        script.kill()
    (task / "run_task.py").unlink()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.url() == url
        for name in ("x", "y"):
            work_until(worker(url, name), 2, resumed)

        assert resumed.wait() == 0, resumed.output


def test_script_of_a_package_is_resumed_as_it_was_started(task: Path, database: Path) -> None:
    (task / "__init__.py").touch()
    (task / "rules.py").write_text("def may_do(worker, unit):\n    return worker.name != 'z'\n")
    (task / "run.py").write_text(
        "from famulus import task_script\n"
        "from famulus_static_html import SharedStaticTaskState\n"
        "from .rules import may_do\n"
        '@task_script(default_config_file="example")\n'
        "def launch(operator, cfg):\n"
        "    state = SharedStaticTaskState(worker_can_do_unit=may_do)\n"
        "    operator.launch_task_run(cfg, state)\n"
        "    operator.wait_for_runs_then_shutdown()\n"
        "launch()\n"
    )
    module = f"{task.name}.run"
    with python_command("-m", module, ANY_PORT, database=database, folder=task.parent) as script:
        url = script.url()
        script.kill()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.url() == url
        assert not worker(url, "z").open().has_form
        for name in ("x", "y"):
            work_until(worker(url, name), 2, resumed)

        assert resumed.wait() == 0, resumed.output


def test_loading_rows_from_a_script_continues_after_a_kill(task: Path, database: Path) -> None:
    file = task / "make_rows.py"
    file.write_text(
        "import time\n"
        "from pathlib import Path\n"
        "from famulus import task_script\n"
        "from famulus_static_html import SharedStaticTaskState\n"
        "def rows():\n"
        "    for number in range(4):\n"
        "        while number == 2 and not Path(__file__).with_name('go').exists():\n"
        "            time.sleep(0.05)\n"
        "        yield {'character_name': f'C{number}', 'character_description': 'D'}\n"
        '@task_script(default_config_file="example")\n'
        "def main(operator, cfg):\n"
        "    cfg.blueprint.data_csv = None\n"
        "    cfg.blueprint.units_per_assignment = 1\n"
        "    operator.launch_task_run(cfg, SharedStaticTaskState(static_task_data=rows()))\n"
        "    operator.wait_for_runs_then_shutdown()\n"
        "main()\n"
    )
    with python_command(file, ANY_PORT, database=database) as script:
        url = script.url()
        x = worker(url)
        work_until(x, 2, script)
        script.kill()
    (task / "go").touch()

    with famulus_command("resume", "1", database=database) as resumed:
        assert resumed.url() == url
        work_until(x, 2, resumed)

        assert resumed.wait() == 0, resumed.output
    assert "Run 1 is done: 4 units" in resumed.output
