"""The arrival check admits only arrivals at accepted HITs of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from famulus import Arrival, Refusal, Transaction, UnavailableError
from famulus_mturk.fake import Fault
from famulus_mturk.tables import MturkHit
from mturk_bench import Bench, parameters


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """Two places are open."""
    bench.provider.set_places(bench.run, 2)
    return bench


def asked(bench: Bench) -> int:
    return len(bench.account.called("GetHIT"))


@pytest.mark.parametrize("verify", [True, False])
def test_a_made_up_hit_is_refused_without_a_call(opened: Bench, verify: bool) -> None:
    _, visit = opened.accept("A1")
    opened.restart(verify_arrivals=verify)
    before = len(opened.account.calls)

    for hit in ("MADEUP", "3SOMEBODYELSES"):
        found = opened.provider.arrive({**visit.query, "hitId": hit, "assignmentId": "MADEUP"})
        assert isinstance(found, Refusal)
    assert len(opened.account.calls) == before


def test_a_hit_of_another_run_is_refused(opened: Bench) -> None:
    other = Bench(
        opened.account, opened.database, opened.clock, changes={"id": 8, "key": "other-8"}
    )
    other.task["task_title"] = "Another task"
    other.provider.set_places(other.run, 1)
    _, visit = other.accept("A1")

    assert isinstance(other.provider.arrive(visit.query), Arrival)
    assert isinstance(opened.provider.arrive(visit.query), Refusal)


def test_unaccepted_hit_is_refused_with_few_calls_to_mturk(opened: Bench) -> None:
    shown = opened.account.worker("A1").preview(opened.group)
    forged = {**parameters(shown), "assignmentId": "MADEUP"}
    before = asked(opened)

    found = [opened.provider.arrive({**forged, "workerId": f"A{n}"}) for n in range(50)]

    assert {type(each) for each in found} == {Refusal}
    assert asked(opened) == before + 1


def test_an_answer_is_not_kept_longer_where_the_clock_was_set_back(opened: Bench) -> None:
    shown = opened.account.worker("A1").preview(opened.group)
    forged = {**parameters(shown), "assignmentId": "MADEUP", "workerId": "A1"}
    assert isinstance(opened.provider.arrive(forged), Refusal)
    before = asked(opened)

    opened.clock.advance(-3600)
    opened.provider.arrive(forged)

    assert asked(opened) == before + 1


def test_reloads_of_a_worker_call_mturk_once_a_minute(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    before = asked(opened)

    for seconds in (0, 10, 10, 45):
        opened.clock.advance(seconds)
        assert isinstance(opened.provider.arrive(visit.query), Arrival)

    assert asked(opened) == before + 2


def test_submitted_hit_admits_only_its_worker(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)

    assert isinstance(opened.provider.arrive(visit.query), Arrival)
    for change in ({"workerId": "A2"}, {"assignmentId": "MADEUP"}):
        assert isinstance(opened.provider.arrive({**visit.query, **change}), Refusal)


def test_hit_that_expired_without_a_submission_is_refused(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)
    opened.clock.advance(timedelta(days=3).total_seconds())
    opened.sync(visit)
    opened.restart(verify_arrivals=False)

    assert isinstance(opened.provider.arrive(visit.query), Refusal)


def test_expired_keys_of_the_requester_refuse_no_worker(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.account.faults.expired_keys.add("")

    assert isinstance(opened.provider.arrive(visit.query), Arrival)
    assert isinstance(opened.provider.arrive({**visit.query, "hitId": "MADEUP"}), Refusal)


def test_arrival_while_mturk_is_unavailable_is_asked_to_retry(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.account.faults.plan(Fault.FAIL, "GetHIT")
    with pytest.raises(UnavailableError):
        opened.provider.arrive(visit.query)

    assert isinstance(opened.provider.arrive(visit.query), Arrival)


def test_without_verification_mturk_is_not_asked(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.restart(verify_arrivals=False)
    before = len(opened.account.calls)

    assert isinstance(opened.provider.arrive(visit.query), Arrival)
    assert len(opened.account.calls) == before


def test_arrival_while_the_id_of_its_hit_is_being_stored_is_not_refused(
    opened: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is stored first: the arrival's reads, or the id of the HIT by another process."""
    _, visit = opened.accept("A1")
    hit, database = visit.query["hitId"], opened.database
    read = database.read

    @contextmanager
    def read_before_the_id_is_stored() -> Iterator[Transaction]:
        with read() as tx:
            yield tx
        database.write(
            lambda tx: tx.execute(MturkHit.update(hit_id=hit).where(MturkHit.hit_id.is_null()))
        )

    database.write(
        lambda tx: tx.execute(MturkHit.update(hit_id=None).where(MturkHit.hit_id == hit))
    )
    monkeypatch.setattr(database, "read", read_before_the_id_is_stored)

    with pytest.raises(UnavailableError, match="may be one that is being created"):
        opened.provider.arrive(visit.query)
    assert isinstance(opened.provider.arrive(visit.query), Arrival)
