"""Filters of an export: by status, time and worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from famulus.data import export
from famulus.data.export import export_records
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.decisions import decide
from famulus.errors import NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

TASK = "words"


@pytest.fixture
def gateway(operator: ManualOperator, clock: MovableClock) -> Gateway:
    """Two rows with two units each, done by ``x`` and a minute later by ``y``."""
    gateway = operator.launch_rows(
        [{"n": 1}, {"n": 2}], task_name=TASK, blueprint={"units_per_assignment": 2}
    )
    for name in ("x", "y"):
        for _ in range(2):
            GatewayWorker(gateway, name).work()
        clock.advance(60)
    return gateway


def exported(database: Database, **options: Any) -> list[dict[str, Any]]:
    return list(export_records(database, task=TASK, **options))


def unit_of(database: Database, number: int = 0) -> int:
    return int(exported(database)[number]["unit"])


@pytest.mark.usefixtures("gateway")
def test_status_selects_by_the_present_status(database: Database) -> None:
    accepted, rejected = unit_of(database, 0), unit_of(database, 1)
    database.write(lambda tx: decide(tx, accepted, Decision.ACCEPTED))
    database.write(lambda tx: decide(tx, rejected, Decision.REJECTED, note="Empty."))

    def units(*statuses: str) -> list[int]:
        return [record["unit"] for record in exported(database, statuses=statuses)]

    assert units("accepted") == [accepted]
    assert units("accepted", "rejected") == [accepted, rejected]
    assert len(units("completed")) == 2
    with pytest.raises(UsageError, match=r"'launched' is not a status .*possible are: accepted,"):
        units("launched")


def test_status_leaves_out_late_answers(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}], task_name=TASK)
    slow = GatewayWorker(gateway, "slow")
    page = slow.arrive()
    clock.advance(1801)
    operator.turn()
    GatewayWorker(gateway, "quick").work()
    slow.submit(page)
    unit = unit_of(database)
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))

    exported_of = [(record["worker"], record["review_decision"]) for record in exported(database)]
    accepted = [record["worker"] for record in exported(database, statuses=["accepted"])]

    assert sorted(exported_of) == [("quick", "accepted"), ("slow", None)]
    assert accepted == ["quick"]


@pytest.mark.usefixtures("gateway")
def test_since_includes_the_moment_itself(database: Database, clock: MovableClock) -> None:
    minute_ago = clock() - timedelta(seconds=60)

    assert {each["worker"] for each in exported(database, since=minute_ago)} == {"y"}
    assert exported(database, since=minute_ago + timedelta(microseconds=1)) == []
    with pytest.raises(UsageError, match="no time zone"):
        exported(database, since=minute_ago.replace(tzinfo=None))


@pytest.mark.usefixtures("gateway")
def test_workers_are_selected_by_name(database: Database) -> None:
    def workers(*names: str) -> list[str]:
        return [record["worker"] for record in exported(database, workers=names)]

    assert workers("x") == ["x", "x"]
    assert workers("y", "x") == ["x", "x", "y", "y"]
    with pytest.raises(NotFoundError, match="no worker 'z' has worked on 'words'; there are: x, y"):
        workers("x", "z")


@pytest.mark.usefixtures("gateway")
def test_filters_apply_across_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = exported(database, workers=["y"], statuses=["completed"])
    monkeypatch.setattr(export, "_PAGE", 1)

    assert exported(database, workers=["y"], statuses=["completed"]) == everything
    assert len(everything) == 2
