"""A run that is mounted in another application."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from famulus import Database, Operator, UsageError
from famulus_flask import create_app


@pytest.fixture
def configuration(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "task.html").write_text('<p>${word}</p><input name="answer" aria-label="Answer">')
    (tmp_path / "data.csv").write_text("word\nlantern\n")
    return {
        "defaults": [{"blueprint": "static_task"}, {"architect": "external"}],
        "blueprint": {
            "task_source": str(tmp_path / "task.html"),
            "data_csv": str(tmp_path / "data.csv"),
        },
        "architect": {"public_url": "https://example.org/words"},
        "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
    }


def test_run_is_served_under_a_path_of_another_application(
    configuration: dict[str, object], tmp_path: Path
) -> None:
    host = Flask("host")

    with Database(tmp_path / "f.db") as database, Operator(database) as operator:
        run = operator.launch(configuration)
        gateway = operator.gateway(run)
        mounted = DispatcherMiddleware(host.wsgi_app, {"/words": create_app(gateway).wsgi_app})
        page = Client(mounted).get("/words/?worker_id=x&assignment_id=1")
        gateway.close()

    assert run.url == "https://example.org/words/"
    assert page.status_code == 200
    assert "lantern" in page.text


def test_a_public_url_without_a_scheme_is_refused(
    configuration: dict[str, object], tmp_path: Path
) -> None:
    configuration["architect"] = {"public_url": "example.org"}

    with Operator(tmp_path / "f.db") as operator, pytest.raises(UsageError) as caught:
        operator.check(configuration)

    assert [problem.key for problem in caught.value.problems] == ["architect.public_url"]
