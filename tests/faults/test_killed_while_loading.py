"""kill -9 while a launch loads its data: ``resume`` loads the rest, and no row twice."""

from __future__ import annotations

import json
import random
import secrets
import time
import urllib.request
from pathlib import Path

import pytest

from famulus import Database
from famulus.model.tables import AssignmentTable
from famulus.testing.command import famulus_command

pytestmark = pytest.mark.slow


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "task.html").write_text('<p>${word}</p><input name="answer" aria-label="Answer">')
    return write_configuration(tmp_path, rows=10)


def write_configuration(folder: Path, rows: int) -> Path:
    words = "".join(f"word {n}\n" for n in range(rows))
    (folder / "data.csv").write_text(f"word\n{words}")
    tree = {
        "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {"task_source": "task.html", "data_csv": "data.csv"},
        "architect": {"port": 0},
        "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
    }
    (folder / "task.yaml").write_text(json.dumps(tree))
    return folder / "task.yaml"


def test_a_launch_that_is_killed_while_it_loads_is_resumed_without_a_row_twice(
    configuration: Path, tmp_path: Path
) -> None:
    rows, address = 30_000, tmp_path / "famulus.db"
    write_configuration(configuration.parent, rows)
    with famulus_command("launch", configuration, database=address) as launching:
        launching.url()
        launching.kill()

    with famulus_command("resume", "1", database=address) as resuming:
        resuming.url()
        with Database(address) as database:
            while True:
                with database.read() as tx:
                    loaded = tx.sql("SELECT loading, rows_loaded FROM task_run").fetchone()
                if loaded[0] != "loading":
                    break
                assert resuming.process.poll() is None, resuming.output
                time.sleep(0.05)
            with database.read() as tx:
                numbers = [
                    row.number
                    for row in tx.rows(
                        AssignmentTable.select(AssignmentTable.number).order_by(
                            AssignmentTable.number
                        )
                    )
                ]

    assert tuple(loaded) == ("complete", rows)
    assert numbers == list(range(rows))


def test_a_launch_that_is_killed_at_any_moment_keeps_no_later_one_from_working(
    configuration: Path, tmp_path: Path
) -> None:
    chance, address = random.Random(secrets.randbits(32)), tmp_path / "famulus.db"
    for _ in range(4):
        with famulus_command("launch", configuration, database=address) as launching:
            time.sleep(chance.uniform(0.1, 1.2))
            launching.kill()

    with (
        famulus_command("launch", configuration, database=address) as launching,
        urllib.request.urlopen(launching.url(), timeout=20) as reply,
    ):
        assert reply.status == 200
