"""The example site, served over HTTP to scripted workers."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from urllib.request import urlopen

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from famulus import Database, RunStatus, list_runs


@pytest.fixture
def flask_site(example: Path) -> ModuleType:
    """The example's program, loaded from its file, which is in no package."""
    spec = importlib.util.spec_from_file_location("flask_site", example / "flask_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def served(flask_site: ModuleType, database: Database) -> Iterator[str]:
    """Serve the site at a free port of this machine and yield its address."""
    server: BaseWSGIServer = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    with flask_site.open_site(database, url) as site:
        server.app = site
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def read(url: str) -> str:
    with urlopen(url) as response:
        text: str = response.read().decode()
    return text


def test_status_page_shows_the_progress_of_the_run(
    flask_site: ModuleType, work: Callable[..., str], tmp_path: Path
) -> None:
    with Database(tmp_path / "site.db") as database, served(flask_site, database) as url:
        before = read(f"{url}/")
        page = work(f"{url}/task/", "x", "1", familiarity="use")
        after = read(f"{url}/")

    assert "0 of 3 units done" in before
    assert f"{url}/task/?worker_id=x" in before
    assert "lantern" in page
    assert "1 of 3 units done" in after


def test_results_page_shows_the_answers(
    flask_site: ModuleType, work: Callable[..., str], tmp_path: Path
) -> None:
    with Database(tmp_path / "site.db") as database, served(flask_site, database) as url:
        work(f"{url}/task/", "somebody", "1", familiarity="understand")
        results = read(f"{url}/results")

    for cell in ("lantern", "understand", "somebody"):
        assert f"<td>{cell}</td>" in results


def test_site_that_is_started_again_goes_on_with_its_run(
    flask_site: ModuleType, work: Callable[..., str], tmp_path: Path
) -> None:
    with Database(tmp_path / "site.db") as database:
        with served(flask_site, database) as url:
            work(f"{url}/task/", "x", "1", familiarity="use")
        with served(flask_site, database) as url:
            work(f"{url}/task/", "x", "2", familiarity="use")
            status = read(f"{url}/")
        runs = list_runs(database)

    assert "2 of 3 units done" in status
    assert [each.record.status for each in runs] == [RunStatus.STOPPED]
