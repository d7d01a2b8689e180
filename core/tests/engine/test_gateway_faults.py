"""Third-party code fails: a worker reads a sentence, the operator a traceback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from famulus.contracts.context import Context
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import Refusal, RefusalReason, WorkerView
from famulus.engine.open_gateway import open_gateway
from famulus.errors import NotFoundError, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins, seen
from famulus.testing.kinds import CrowdProvider, RowsBlueprint, RowsState

ROWS = [{"n": 1}, {"n": 2}]


def broken(*_: object) -> Any:
    raise ZeroDivisionError("on purpose")


def away(*_: object, **__: object) -> Any:
    raise UnavailableError("the disk is full")


@pytest.mark.parametrize("page", ["task_page", "preview_page"])
def test_a_blueprint_that_fails_is_an_apology_with_a_reference_that_is_in_the_log(
    operator: ManualOperator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    page: str,
) -> None:
    gateway = operator.launch_rows(ROWS)
    monkeypatch.setattr(RowsBlueprint, page, broken)

    query: Mapping[str, str] = (
        {} if page == "preview_page" else {"worker_id": "x", "assignment_id": "a"}
    )
    reply = seen(gateway.arrive(query))

    assert reply.status == 500
    reference = re.search(r"reference (\w+)", caplog.text)
    assert reference is not None
    assert reference[1] in reply.text
    assert "ZeroDivisionError" not in reply.text
    assert "Traceback" in caplog.text


def test_the_unit_is_still_there_once_the_blueprint_is_mended(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    with monkeypatch.context() as patch:
        patch.setattr(RowsBlueprint, "task_page", broken)
        worker.arrive("a")

    assert worker.arrive("a").row == {"n": 1}


@pytest.mark.parametrize("as_json", [False, True])
def test_answers_that_the_blueprint_fails_to_read_are_not_acknowledged(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    page = worker.arrive()
    with monkeypatch.context() as patch:
        patch.setattr(RowsBlueprint, "read_answers", broken)
        reply = worker.submit(page, as_json=as_json)

    assert reply.status == 500
    assert reply.outcome == ("error" if as_json else None)
    assert worker.submit(page).status == 200


def test_answers_that_are_not_json_are_not_acknowledged(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    page = worker.arrive()
    with monkeypatch.context() as patch:
        patch.setattr(RowsBlueprint, "read_answers", lambda *_: {"answer": float("nan")})
        assert worker.submit(page).status == 500

    assert worker.submit(page).status == 200


def test_a_database_that_is_away_is_busy_and_the_same_request_works_later(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    page = worker.arrive("a")
    with monkeypatch.context() as patch:
        for name in ("write", "write_at_once"):
            patch.setattr(Database, name, away)
        replies = [worker.arrive("b"), worker.submit(page), worker.submit(page, as_json=True)]

    assert [reply.status for reply in replies] == [503] * 3
    assert all(reply.reply.headers["Retry-After"] for reply in replies)
    assert worker.submit(page).status == 200


def test_a_failing_provider_admits_no_worker(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = operator.launch_rows(ROWS)
    monkeypatch.setattr(CrowdProvider, "arrive", broken)

    assert GatewayWorker(gateway, "x").arrive().status == 500


def test_a_provider_that_fails_after_the_commit_does_not_hide_that_it_is_stored(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    monkeypatch.setattr(CrowdProvider, "completion", broken)

    stored = worker.submit(worker.arrive(), as_json=True)

    assert (stored.status, stored.outcome) == (200, "stored")


def test_a_provider_may_refuse(operator: ManualOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = operator.launch_rows(ROWS)
    refusal = Refusal(reason=RefusalReason.UNKNOWN_LINK, detail="No study of that <name>.")
    monkeypatch.setattr(CrowdProvider, "arrive", lambda *_: refusal)

    reply = GatewayWorker(gateway, "x").arrive()

    assert (reply.status, reply.refusal) == (404, "unknown_link")
    assert "No study of that &lt;name&gt;." in reply.text


class Doorkeeper(QualificationCheck):
    """Refuses worker ``x`` and fails on ``y``."""

    type = "doorkeeper"

    def __init__(self, args: object, context: Context) -> None:
        super().__init__(args, context)

    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        if worker.name == "y":
            raise ZeroDivisionError("on purpose")
        if worker.name == "x":
            return Refusal(reason=RefusalReason.NOT_QUALIFIED, detail="Not you.")
        return None


class Checking:
    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [Doorkeeper]


def test_a_check_refuses_and_a_failing_check_admits_no_worker(database: Database) -> None:
    with ManualOperator(database, plugins=kit_plugins(checking=Checking())) as operator:
        assert isinstance(operator, ManualOperator)
        gateway = operator.launch_rows(ROWS)

        refused = GatewayWorker(gateway, "x").arrive()
        assert (refused.status, refused.refusal) == (403, "not_qualified")
        assert "Not you." in refused.text
        assert GatewayWorker(gateway, "y").arrive().status == 500
        assert GatewayWorker(gateway, "z").arrive().row == {"n": 1}


def test_there_is_no_gateway_to_a_run_that_is_not_there(operator: ManualOperator) -> None:
    with pytest.raises(NotFoundError, match="there is no run 4711"):
        open_gateway(operator.database, 4711, plugins=operator.plugins)


def test_there_is_no_gateway_without_the_callbacks_of_the_run(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(
        ROWS,
        blueprint={"onboarding_qualification": "q"},
        shared={
            "worker_can_do_unit": lambda worker, unit: True,
            "validate_onboarding": lambda answers: True,
        },
    )

    with pytest.raises(UsageError) as caught:
        open_gateway(operator.database, gateway.run_id, plugins=operator.plugins)
    with pytest.raises(UsageError, match="validate_onboarding"):
        open_gateway(
            operator.database,
            gateway.run_id,
            plugins=operator.plugins,
            shared_state=RowsState(worker_can_do_unit=lambda worker, unit: True),
        )

    keys = {problem.key for problem in caught.value.problems}
    assert keys == {"shared_state.worker_can_do_unit", "shared_state.validate_onboarding"}


@contextmanager
def frames(*ancestors: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CrowdProvider, "frame_ancestors", ancestors)
        yield


@pytest.mark.parametrize(
    ("ancestors", "policy"),
    [((), "'none'"), (("https://a.org",), "https://a.org")],
)
def test_pages_may_be_framed_only_by_the_providers_own(
    operator: ManualOperator, ancestors: tuple[str, ...], policy: str
) -> None:
    gateway = operator.launch_rows(ROWS)

    with frames(*ancestors):
        assert gateway.headers["Content-Security-Policy"] == f"frame-ancestors {policy}"


def test_files_may_also_be_framed_by_the_page_itself(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    for ancestors, policy in (((), "'self'"), (("https://a.org",), "'self' https://a.org")):
        with frames(*ancestors):
            headers = gateway.asset_headers
        # A policy holds for all pages around a frame.
        assert headers == {
            **gateway.headers,
            "Content-Security-Policy": f"frame-ancestors {policy}",
        }
