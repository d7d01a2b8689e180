"""Qualifications, blocks and arrivals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from famulus import (
    Arrival,
    Database,
    PostForm,
    Preview,
    Refusal,
    ReturnPlace,
    Transaction,
    UnavailableError,
    VisitOutcome,
    make_qualification_dict,
)
from famulus.testing.movable_clock import MovableClock
from famulus_mturk.calls import MTurkRefusedError
from famulus_mturk.fake import FakeMTurk, Fault, WorkerRefusedError
from famulus_mturk.tables import MturkBonus, MturkHit
from mturk_bench import Bench, parameters

DAY = 24 * 3600


def types_named(bench: Bench, name: str) -> list[str]:
    with bench.account.turn() as state:
        return [kind.id for kind in state.qualification_types.values() if kind.name == name]


def test_type_is_created_once_and_found_by_its_stored_id(bench: Bench) -> None:
    bench.grant("A1", "good", 1)
    bench.restart()
    bench.grant("A2", "good", 2)

    assert len(types_named(bench, "good")) == 1
    assert bench.account.called("ListQualificationTypes") == []


def test_another_requester_has_a_type_of_their_own(bench: Bench, mturk: FakeMTurk) -> None:
    bench.grant("A1", "good", 1)
    other = Bench(mturk.live, bench.database, bench.clock, requester=2)

    other.grant("A1", "good", 1)

    assert types_named(bench, "good") != types_named(other, "good")


def test_grant_sends_no_mail_and_needs_no_arrival(bench: Bench) -> None:
    bench.grant("A9NEVERSEEN", "good", 3)

    with bench.account.turn() as state:
        assert state.mail == []
    assert bench.account.qualifications.held_by("A9NEVERSEEN").values()


def test_unknown_worker_is_a_refusal(bench: Bench) -> None:
    with bench.account.turn() as state:
        state.unknown_workers.add("A0")

    with pytest.raises(MTurkRefusedError, match="A0"):
        bench.grant("A0", "good", 1)


def test_revoking_a_missing_qualification_succeeds(bench: Bench) -> None:
    bench.revoke("A1", "never made")
    bench.grant("A1", "good", 1)
    for _ in range(2):
        bench.revoke("A1", "good")

    bench.revoke("A2", "good")

    assert not bench.account.qualifications.held_by("A1")


def test_type_with_a_lost_reply_is_waited_for_until_it_is_listed(bench: Bench) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateQualificationType")
    for _ in range(2):
        with pytest.raises(UnavailableError):
            bench.grant("A1", "good", 1)
    bench.clock.advance(61)

    bench.grant("A1", "good", 1)

    assert len(types_named(bench, "good")) == 1


def test_a_type_is_found_among_more_than_a_page_of_similar_ones(
    bench: Bench, mturk: FakeMTurk, database: Database, clock: MovableClock
) -> None:
    client = bench.account.client()
    for n in range(105):
        client.create_qualification_type(
            Name=f"good {n}", Description="good", QualificationTypeStatus="Active"
        )
    bench.grant("A1", "good", 1)
    clock.advance(61)
    fresh = Bench(bench.account, database, clock, requester=99)

    fresh.grant("A2", "good", 1)

    assert len(types_named(bench, "good")) == 1


def test_type_of_another_account_is_never_used(bench: Bench) -> None:
    foreign = bench.account.qualifications.add_foreign("good")
    bench.clock.advance(61)

    bench.grant("A1", "good", 1)

    assert foreign not in bench.account.qualifications.held_by("A1")


def test_name_of_a_deleted_type_is_free_after_two_days(bench: Bench) -> None:
    client = bench.account.client()
    made = client.create_qualification_type(
        Name="good", Description="good", QualificationTypeStatus="Active"
    )
    client.delete_qualification_type(
        QualificationTypeId=made["QualificationType"]["QualificationTypeId"]
    )
    with pytest.raises(UnavailableError, match="48 hours"):
        bench.grant("A1", "good", 1)
    bench.clock.advance(2 * DAY)

    bench.grant("A1", "good", 1)

    assert bench.account.qualifications.held_by("A1")


@pytest.mark.parametrize(
    ("comparator", "value", "held", "admitted"),
    [
        ("Exists", None, None, False),
        ("Exists", None, 0, True),
        ("DoesNotExist", None, 0, False),
        ("DoesNotExist", None, None, True),
        ("GreaterThan", 3, 3, False),
        ("GreaterThan", 3, 4, True),
        ("GreaterThanOrEqualTo", 3, 3, True),
        ("LessThan", 3, 3, False),
        ("LessThanOrEqualTo", 3, 3, True),
        ("EqualTo", 3, 3, True),
        ("NotEqualTo", 3, 3, False),
        ("In", [1, 3], 3, True),
        ("In", [1, 2], 3, False),
        ("NotIn", [1, 2], 3, True),
    ],
)
def test_comparators_have_the_same_meaning_on_mturk(
    mturk: FakeMTurk,
    tmp_path: Any,
    clock: MovableClock,
    comparator: str,
    value: Any,
    held: int | None,
    admitted: bool,
) -> None:
    with Database(tmp_path / "a.db", clock=clock) as database:
        asked = make_qualification_dict("good", comparator, value)
        bench = Bench(mturk.sandbox, database, clock, changes={"requirements": [asked]})
        if held is not None:
            bench.grant("A1", "good", held)

        bench.provider.set_places(bench.run, 1)

        assert bool(bench.account.worker("A1").groups()) is admitted


def test_specific_qualifications_are_passed_unchanged(bench: Bench) -> None:
    local = {
        "QualificationTypeId": "00000000000000000071",
        "Comparator": "In",
        "LocaleValues": [{"Country": "US"}, {"Country": "CA"}],
        "ActionsGuarded": "Accept",
    }
    approved = {
        "QualificationTypeId": "000000000000000000L0",
        "Comparator": "GreaterThanOrEqualTo",
        "IntegerValues": [0],
    }
    bench.shared_state.specific_qualifications = {"mturk": [local]}
    bench.changes["requirements"] = [make_qualification_dict("blocked", "DoesNotExist", None)]
    bench.restart(specific_qualifications=[approved])

    bench.provider.set_places(bench.run, 1)

    [call] = bench.account.called("CreateHITType")
    assert call.parameters["QualificationRequirements"][1:] == [approved, local]
    with pytest.raises(WorkerRefusedError):
        bench.account.worker("A1", locale=("DE",)).accept(bench.group)


def test_block_holds_until_the_worker_is_unblocked(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    for _ in range(2):
        bench.provider.block("A1", "")
    with pytest.raises(WorkerRefusedError, match="blocked"):
        bench.account.worker("A1").accept(bench.group)

    for _ in range(2):
        bench.provider.unblock("A1", "")

    assert bench.account.worker("A1").accept(bench.group).url


def test_preview_is_shown_before_the_hit_is_accepted(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    shown = bench.account.worker("A1").preview(bench.group)

    assert bench.provider.arrive(parameters(shown)) == Preview()
    assert bench.provider.arrive({}) == Preview()


def test_accepted_hit_arrives_with_its_assignment(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    shown, visit = bench.accept("A1")

    arrival = bench.provider.arrive(visit.query)

    assert arrival == Arrival(worker_name="A1", reference=shown.assignment_id, place=shown.hit_id)


@pytest.mark.parametrize(
    "change",
    [
        {"turkSubmitTo": "https://evil.example"},
        {"turkSubmitTo": "http://["},
        {"turkSubmitTo": ""},
        {"workerId": ""},
        {"workerId": "B1"},
        {"workerId": "A1 OR 1=1"},
        {"hitId": "../.."},
        {"assignmentId": "x" * 10_000},
    ],
)
def test_forged_parameters_are_an_unknown_link(bench: Bench, change: dict[str, str]) -> None:
    bench.provider.set_places(bench.run, 1)
    _, visit = bench.accept("A1")

    found = bench.provider.arrive({**visit.query, **change})

    assert isinstance(found, Refusal)


@pytest.mark.parametrize("given", ["", "/", "/mturk/externalSubmit"])
def test_the_browser_submits_to_the_origin_that_mturk_names(bench: Bench, given: str) -> None:
    bench.provider.set_places(bench.run, 1)
    shown, visit = bench.accept("A1")
    query = {**visit.query, "turkSubmitTo": bench.account.worker_url + given}

    completion = bench.provider.completion(bench.visit("A1", query), VisitOutcome.COMPLETED)

    assert isinstance(completion, PostForm)
    assert completion.url == f"{bench.account.worker_url}/mturk/externalSubmit"
    assert completion.fields["assignmentId"] == shown.assignment_id


@pytest.mark.parametrize("outcome", [each for each in VisitOutcome if each != "completed"])
def test_worker_without_work_returns_the_hit_on_its_page(
    bench: Bench, outcome: VisitOutcome
) -> None:
    bench.provider.set_places(bench.run, 1)
    shown, visit = bench.accept("A1")
    calls = len(bench.account.calls)

    found = bench.provider.completion(visit, outcome)

    assert found == ReturnPlace(
        noun="HIT",
        url=f"{bench.account.worker_url}/projects/{shown.group_id}/tasks/{shown.hit_id}"
        f"?assignment_id={shown.assignment_id}",
    )
    assert len(bench.account.calls) == calls


def test_worker_without_work_finds_an_unknown_hit_in_their_queue(bench: Bench) -> None:
    unopened = bench.visit("A1", {"assignmentId": "3A", "hitId": "3H"})
    of_no_group = bench.provider.completion(unopened, VisitOutcome.RUN_CLOSED)
    bench.provider.set_places(bench.run, 1)
    _, visit = bench.accept("A1")
    reported = bench.visit("A1", {"assignmentId": visit.reference})

    of_no_hit = bench.provider.completion(reported, VisitOutcome.RUN_CLOSED)

    queue = ReturnPlace(noun="HIT", url=f"{bench.account.worker_url}/tasks")
    assert of_no_group == of_no_hit == queue


def test_frames_are_allowed_to_the_right_site_alone(bench: Bench, live_bench: Bench) -> None:
    assert bench.make(worker_site=None).frame_ancestors == ("https://workersandbox.mturk.com",)
    assert live_bench.make(worker_site=None).frame_ancestors == (
        "https://worker.mturk.com",
        "https://www.mturk.com",
    )


def test_an_arrival_can_be_verified_with_mturk(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    shown, visit = bench.accept("A1")
    bench.restart(verify_arrivals=True)
    with bench.account.turn() as state:
        other = next(hit for hit in state.hits if hit != shown.hit_id)

    assert isinstance(bench.provider.arrive(visit.query), Arrival)
    for hit in (other, "3SOMEBODYELSES"):
        found = bench.provider.arrive({**visit.query, "hitId": hit})
        assert isinstance(found, Refusal)


def test_arrival_before_the_id_of_the_hit_is_stored_is_asked_to_retry(
    bench: Bench,
) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 1)
    [group] = bench.account.worker("A1").groups()
    query = parameters(bench.account.worker("A1").accept(group.id))
    bench.restart(verify_arrivals=True)
    with pytest.raises(UnavailableError):
        bench.provider.arrive(query)

    bench.provider.set_places(bench.run, 1)

    assert isinstance(bench.provider.arrive(query), Arrival)


def test_outdated_data_refuses_a_verified_arrival_only_for_a_while(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.clock.advance(600)
    _, visit = bench.accept("A1")
    bench.restart(verify_arrivals=True)
    bench.account.faults.counts_stale = timedelta(seconds=30)

    early = bench.provider.arrive(visit.query)
    bench.clock.advance(30)

    assert isinstance(early, Refusal)
    assert "in a minute" in early.detail
    assert isinstance(bench.provider.arrive(visit.query), Arrival)


def insert_bonus(values: Mapping[str, Any], tx: Transaction) -> None:
    tx.insert(MturkBonus, **values)


def test_forgotten_worker_is_in_no_row(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    visits = [bench.submitted(name) for name in ("A1", "A2")]
    bench.sync(*visits)
    for visit in visits:
        values = {"key": f"bonus of {visit.id}", "assignment_id": visit.reference, "sent_at": 1}
        bench.database.write(partial(insert_bonus, values))

    for _ in range(2):
        bench.provider.forget("A1", "forgotten-1")

    with bench.database.read() as tx:
        stored = str(tx.rows(MturkHit.select())) + str(tx.rows(MturkBonus.select()))
    assert "'A1'" not in stored
    assert visits[0].reference not in stored
    assert "forgotten-1" in stored
    assert "'A2'" in stored
    assert visits[1].reference in stored
