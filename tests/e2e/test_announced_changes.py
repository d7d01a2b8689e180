"""A platform announces changes over HTTP, and the operator of the run acts on them at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, demo_app, make_server

import pytest
from attrs import define, evolve

from famulus import Operator, VisitStatus
from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.engine.platform_requests import MOST_BYTES
from famulus.model.tables import VisitTable
from famulus.testing import HttpTransport
from famulus.testing.installed import install_plugin
from famulus.testing.signed_crowd import MODULE, SignedCrowdProvider, list_change, signed
from famulus.testing.waiting import wait_until
from famulus_flask.app import create_app

pytestmark = pytest.mark.slow

TYPE = SignedCrowdProvider.type
RETURNED, ACCEPTED = VisitStatus.RETURNED, VisitStatus.ACCEPTED


@define
class Study:
    """A run that is served over HTTP, and its platform's list of changes."""

    operator: Operator
    transport: HttpTransport
    log: Path

    def announce(self, references: list[str] | bytes, *, age: float = 0) -> int:
        """Send a signed request of the platform, and return the status of the reply."""
        at = self.operator.database.clock() - timedelta(seconds=age)
        return self.transport.announce(TYPE, signed(references, at)).status

    def returned(self, name: str) -> None:
        """Have the worker of a visit return it on the platform."""
        list_change(self.log, name, name, RETURNED)

    def statuses(self) -> dict[str, VisitStatus]:
        """Return the status of each visit, by its reference."""
        with self.operator.database.read() as tx:
            rows = tx.rows(VisitTable.select(VisitTable.reference, VisitTable.status))
        return {row.reference: row.status for row in rows}

    def is_sync_requested(self) -> bool:
        """Return whether a change is announced that is not read yet."""
        with self.operator.database.read() as tx:
            return is_sync_requested(tx, 1)

    def wait_for(self, **statuses: VisitStatus) -> None:
        """Wait until these visits have these statuses."""
        wait_until(lambda: statuses.items() <= self.statuses().items(), f"{statuses}")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's
        pass


@contextlib.contextmanager
def wsgi_server() -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Serve an application that is given later; yield the address, and what gives it."""
    with make_server("127.0.0.1", 0, demo_app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", server.set_app
        finally:
            server.shutdown()
            thread.join()


def configuration(folder: Path, architect: Mapping[str, Any]) -> dict[str, Any]:
    (folder / "task.html").write_text('<p>${word}</p><input name="answer" aria-label="Answer">')
    (folder / "data.csv").write_text("word\none\ntwo\nthree\n")
    name = "external" if "public_url" in architect else "local"
    return {
        "defaults": [{"blueprint": "static_task"}, {"architect": name}, {"provider": TYPE}],
        "architect": dict(architect),
        "blueprint": {
            "task_source": str(folder / "task.html"),
            "data_csv": str(folder / "data.csv"),
        },
        "provider": {"log": str(folder / "changes")},
        "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
    }


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path / "installed", MODULE, patch=monkeypatch)


@pytest.fixture(params=["local", "wsgi"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Study]:
    """A run with the open visits ``a`` and ``b``."""
    with contextlib.ExitStack() as stack:
        operator = stack.enter_context(Operator(tmp_path / "famulus.db"))
        if request.param == "local":
            url = operator.launch(configuration(tmp_path, {"port": 0})).url
        else:
            url, serve = stack.enter_context(wsgi_server())
            run = operator.launch(configuration(tmp_path, {"public_url": url}))
            gateway = operator.gateway(run)
            stack.callback(gateway.close)
            serve(create_app(gateway))
        # What is listed from here on is not read before it is announced.
        synced = operator._runs[1].periodic_sync
        wait_until(lambda: synced.answered_at is not None, "the first sync")
        transport = HttpTransport(url)
        for name in "ab":
            page = transport.open({"worker_id": name, "assignment_id": name})
            assert page.form is not None
        yield Study(operator, transport, tmp_path / "changes")


def test_announced_change_is_read_at_once_however_often_and_in_which_order(study: Study) -> None:
    study.returned("a")
    assert study.announce(["a"]) == 200
    study.wait_for(a=RETURNED, b=ACCEPTED)

    study.returned("b")
    assert [study.announce([name]) for name in "babb"] == [200] * 4
    study.wait_for(a=RETURNED, b=RETURNED)

    assert [study.announce([name]) for name in ("a", "b", "never seen")] == [200] * 3
    assert study.statuses() == {"a": RETURNED, "b": RETURNED}


def test_request_that_is_not_the_platforms_is_refused_and_the_next_one_taken(study: Study) -> None:
    study.returned("a")
    forged = evolve(signed(["b"], study.operator.database.clock()), body=b'["a"]')

    refused = [
        study.transport.announce(TYPE, forged).status,
        study.announce(["a"], age=3600),
        study.announce(b" " * (MOST_BYTES + 1)),
        study.transport.announce("mock", forged).status,
    ]

    assert refused == [403, 403, 413, 404]
    assert (study.is_sync_requested(), study.statuses()["a"]) == (False, ACCEPTED)
    assert study.announce(["a"]) == 200
    study.wait_for(a=RETURNED)


@pytest.mark.parametrize("study", ["wsgi"], indirect=True)
def test_change_that_is_announced_without_an_operator_is_read_by_the_next_one(
    study: Study,
) -> None:
    study.operator.stop(1, now=True)
    study.returned("a")

    assert study.announce(["a"]) == 200
    assert (study.is_sync_requested(), study.statuses()["a"]) == (True, ACCEPTED)

    study.operator.resume(1)
    study.wait_for(a=RETURNED)
