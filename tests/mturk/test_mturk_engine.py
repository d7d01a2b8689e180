"""Runs on a fake MTurk with the real engine: cases that the state machine may miss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from famulus import UsageError, set_limits
from famulus.engine.runs import find_run, unit_counts
from famulus.model.states import Decision, RunStatus, UnitStatus
from famulus_mturk.fake import Fault, Stage
from mturk_machine import Size, Study

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/mturk.md"
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def make(database_address: str, tmp_path: Path) -> Iterator[Callable[..., Study]]:
    studies: list[Study] = []

    def make(rows: int = 2, lanes: int = 1, window: int = 0, **shared: Any) -> Study:
        options = shared.pop("options", None)
        studies.append(
            Study(
                tmp_path,
                Size(rows=rows, lanes=lanes, window=window),
                address=database_address,
                shared=shared,
                options=options,
            )
        )
        return studies[-1]

    yield make
    for study in studies:
        study.close()


def statuses(study: Study) -> list[str]:
    with study.account.turn() as state:
        return sorted(state.status(hit, state.now) for hit in state.hits.values())


def units(study: Study) -> Mapping[UnitStatus, int]:
    with study.database.read() as tx:
        return unit_counts(tx, study.run)


def look(study: Study, seconds: float = 150) -> None:
    """Let time go by and the operator look after the run."""
    for _ in range(3):
        study.clock.advance(seconds)
        study.turn()


def work(study: Study, worker: str) -> None:
    shown = study.accept(worker)
    assert shown is not None
    study.answer(worker, shown)
    study.post(worker, shown)


def test_a_run_is_done_reviewed_paid_and_its_hits_deleted(make: Callable[..., Study]) -> None:
    study = make(rows=2, lanes=2)
    for worker in ("A1", "A2"):
        work(study, worker)
        work(study, worker)
    look(study)

    study.review(Decision.ACCEPTED)
    study.give_bonus()
    for _ in range(3):
        study.clock.advance(60)
        study.sync()

    assert find_run(study.database, study.run).status is RunStatus.FINISHED
    with study.account.turn() as state:
        kinds = sorted(entry.kind for entry in state.money.ledger)
    assert kinds == ["bonus"] * 4 + ["reward"] * 4
    assert statuses(study) == ["Disposed"] * 4
    assert study.doctor == ""


def test_window_is_kept_exactly_full(make: Callable[..., Study]) -> None:
    study = make(rows=4, window=2)
    before = statuses(study)

    work(study, "A1")
    look(study, 20)

    assert before == ["Assignable"] * 2
    assert statuses(study).count("Assignable") == 2
    assert len(statuses(study)) == 3


def test_returned_hit_goes_to_another_worker(make: Callable[..., Study]) -> None:
    study = make(rows=1)
    shown = study.accept("A1")
    assert shown is not None
    study.give_back("A1", shown)
    look(study)
    assert units(study) == {UnitStatus.LAUNCHED: 1}

    work(study, "A2")
    look(study)

    assert units(study) == {UnitStatus.COMPLETED: 1}
    assert len(statuses(study)) == 1


def test_throttling_changes_no_status_and_costs_no_unit(make: Callable[..., Study]) -> None:
    study = make(rows=1)
    shown = study.accept("A1")
    assert shown is not None
    study.account.faults.plan(Fault.THROTTLE, times=2)
    study.clock.advance(150)
    study.turn()

    assert units(study) == {UnitStatus.ASSIGNED: 1}


def test_submission_without_answers_costs_no_unit(make: Callable[..., Study]) -> None:
    study = make(rows=1)
    cheat = study.account.worker("A1")
    [group] = cheat.groups()
    cheat.submit(cheat.accept(group.id), {"made": "up"})
    look(study)

    work(study, "A2")
    look(study)

    assert units(study) == {UnitStatus.COMPLETED: 1}
    assert "without answers here: visits" in study.doctor
    assert "of A1" in study.doctor


def test_stopping_keeps_open_visits_and_resuming_opens_new_hits(
    make: Callable[..., Study],
) -> None:
    study = make(rows=2)
    shown = study.accept("A1")
    assert shown is not None
    study.operator.stop(study.run)
    study.turn()
    assert statuses(study) == ["Reviewable", "Unassignable"]

    study.answer("A1", shown)
    study.post("A1", shown)
    look(study, 20)
    assert find_run(study.database, study.run).status is RunStatus.STOPPED
    study.resume()
    look(study, 20)
    work(study, "A2")
    look(study, 20)

    assert units(study) == {UnitStatus.COMPLETED: 2}


def test_a_resumed_run_has_hits_while_another_may_exist_that_is_not_listed(
    make: Callable[..., Study],
) -> None:
    study = make(rows=2, window=1)
    study.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    study.account.faults.lists_late = timedelta(minutes=5)
    set_limits(study.database, study.run, max_num_concurrent_units=2)
    study.clock.advance(1)
    study.turn()
    study.stop()
    assert statuses(study) == ["Assignable", "Reviewable"]

    study.resume()
    look(study, 1)
    opened = statuses(study)
    look(study, 300)

    assert opened == ["Assignable"] * 3 + ["Reviewable"]
    assert statuses(study).count("Assignable") == 2
    study.check_hits()


def test_changed_lifetime_moves_the_expiration_of_hits(make: Callable[..., Study]) -> None:
    study = make(rows=1)
    set_limits(study.database, study.run, task_lifetime_in_seconds=3600)
    study.turn()

    with study.account.turn() as state:
        [hit] = state.hits.values()
    assert hit.expires_at == find_run(study.database, study.run).closes_at


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(8))
@pytest.mark.parametrize("later", [0, DAY + 60])
# The records of HITs are the same on both; so many runs would only take long.
@pytest.mark.parametrize("database_address", ["sqlite"], indirect=True)
def test_kill_while_places_are_opened_neither_repeats_nor_loses_a_hit(
    make: Callable[..., Study], call: int, after: bool, later: int
) -> None:
    study = make(rows=4, window=1)
    study.kills.calls, study.kills.after = call, after
    set_limits(study.database, study.run, max_num_concurrent_units=4)
    look(study, 2)
    study.clock.advance(later)
    study.kills.calls = None
    look(study, 300)

    assert statuses(study) == ["Assignable"] * 4
    study.check_hits()


@pytest.mark.parametrize("where", ["options", "shared"])
def test_requirements_in_its_own_format_reach_mturk(make: Callable[..., Study], where: str) -> None:
    _, found = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    asked = yaml.safe_load(found)["provider"]["specific_qualifications"]

    if where == "options":
        study = make(options={"specific_qualifications": asked})
    else:
        study = make(mturk_specific_qualifications=asked)

    with study.account.turn() as state:
        [kind] = state.hit_types.values()
    assert kind.requirements == asked
    assert study.account.worker("A1", locale=("DE",)).groups() == []


def test_lost_answers_reject_no_worker(make: Callable[..., Study]) -> None:
    study = make(rows=1)
    cheat = study.account.worker("A1")
    [group] = cheat.groups()
    cheat.submit(cheat.accept(group.id), {"made": "up"})

    study.finish()
    study.clock.advance(8 * DAY)
    study.sync()

    with study.account.turn() as state:
        [accept] = state.accepts_of("A1")
    assert accept.stage is Stage.APPROVED


def forged(study: Study, hit: str, worker: str, assignment: str = "MADEUP") -> dict[str, str]:
    """Return parameters that anyone can put into an address."""
    return {
        "assignmentId": assignment,
        "hitId": hit,
        "workerId": worker,
        "turkSubmitTo": study.account.worker_url,
    }


def open_hits(study: Study) -> list[str]:
    with study.account.turn() as state:
        return [hit.id for hit in state.hits.values() if state.status(hit, state.now)[0] == "A"]


@pytest.mark.parametrize("verify", [True, False])
def test_made_up_addresses_get_no_unit(make: Callable[..., Study], verify: bool) -> None:
    study = make(rows=3, options={"verify_arrivals": verify})

    for n in range(10):
        assert study.arrive(forged(study, f"MADEUP{n}", f"A{n}")).status == 404

    assert units(study) == {UnitStatus.LAUNCHED: 3}


@pytest.mark.parametrize("reuses_ids", [True, False])
@pytest.mark.parametrize("verify", [True, False])
def test_one_accepted_hit_serves_only_its_worker(
    make: Callable[..., Study], verify: bool, reuses_ids: bool
) -> None:
    study = make(rows=3, options={"verify_arrivals": verify})
    study.account.state.reuse_assignment_ids = reuses_ids
    shown = study.accept("A1")
    assert shown is not None

    for n in range(2, 12):
        page = study.arrive(forged(study, shown.hit_id, f"A{n}", f"MADEUP{n}"))
        assert page.refusal == "place_taken"

    assert units(study) == {UnitStatus.ASSIGNED: 1, UnitStatus.LAUNCHED: 2}
    assert study.open("A1", shown).has_form
    study.answer("A1", shown)
    study.post("A1", shown)
    look(study)
    assert units(study) == {UnitStatus.COMPLETED: 1, UnitStatus.LAUNCHED: 2}


def test_units_of_made_up_workers_are_freed_and_stopping_waits_for_none_of_them(
    make: Callable[..., Study],
) -> None:
    study = make(rows=4, options={"verify_arrivals": False})
    for n, hit in enumerate(open_hits(study)):
        assert study.arrive(forged(study, hit, f"A{n}")).has_form
    assert units(study) == {UnitStatus.ASSIGNED: 4}
    look(study, 60)
    assert units(study) == {UnitStatus.LAUNCHED: 4}

    for n, hit in enumerate(open_hits(study)):
        study.arrive(forged(study, hit, f"A{n}"))
    study.operator.stop(study.run)
    look(study, 20)

    assert find_run(study.database, study.run).status is RunStatus.STOPPED
    assert "Assignable" not in statuses(study)


def test_a_worker_who_accepts_after_a_return_gets_work_at_once(
    make: Callable[..., Study],
) -> None:
    study = make(rows=1)
    for worker in ("A1", "A2", "A3"):
        shown = study.accept(worker)
        assert shown is not None
        assert study.open(worker, shown).has_form
        study.give_back(worker, shown)


def test_a_worker_whose_assignment_id_is_new_gets_work_once_mturk_has_shown_the_hit_as_free(
    make: Callable[..., Study],
) -> None:
    study = make(rows=1)
    study.account.state.reuse_assignment_ids = False
    shown = study.accept("A1")
    assert shown is not None
    study.give_back("A1", shown)
    second = study.accept("A2")
    assert second is not None
    refused = study.open("A2", second)
    study.give_back("A2", second)
    look(study)

    third = study.accept("A3")

    assert refused.refusal == "place_taken"
    assert third is not None
    assert study.open("A3", third).has_form


def test_accepted_returned_and_accepted_again_the_worker_keeps_their_unit(
    make: Callable[..., Study],
) -> None:
    study = make(rows=1)
    for worker in ("A1", "A2"):
        shown = study.accept(worker)
        assert shown is not None
        study.give_back(worker, shown)
    again = study.accept("A1")
    assert again is not None
    look(study, 70)

    assert units(study) == {UnitStatus.ASSIGNED: 1}
    study.answer("A1", again)
    study.post("A1", again)
    look(study)
    assert units(study) == {UnitStatus.COMPLETED: 1}
    assert study.doctor == ""


@pytest.mark.parametrize("as_reported", [True, False])
def test_a_lost_reply_that_botocore_repeats_stops_no_run(
    make: Callable[..., Study], monkeypatch: pytest.MonkeyPatch, as_reported: bool
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    study = make(rows=4, window=1)
    study.account.state.facts.codes_as_reported = as_reported
    study.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType", times=2)
    set_limits(study.database, study.run, max_num_concurrent_units=4)
    look(study, 2)

    assert statuses(study) == ["Assignable"] * 4
    study.check_hits()


def test_expired_keys_do_not_end_a_run(make: Callable[..., Study]) -> None:
    study = make(rows=2, window=1)
    study.account.faults.expired_keys.add("")
    set_limits(study.database, study.run, max_num_concurrent_units=2)
    look(study, 30)
    before = statuses(study)
    study.account.faults.clear()
    look(study, 700)

    assert before == ["Assignable"]
    assert statuses(study) == ["Assignable"] * 2


def test_a_run_is_not_resumed_with_keys_that_have_expired(make: Callable[..., Study]) -> None:
    study = make()
    study.stop()
    study.account.faults.expired_keys.add("")

    with pytest.raises(UsageError, match="the AWS session has expired"):
        study.operator.resume(study.run)
    assert find_run(study.database, study.run).status is RunStatus.STOPPED

    study.account.faults.clear()
    study.operator.resume(study.run)
    assert find_run(study.database, study.run).status is RunStatus.RUNNING
