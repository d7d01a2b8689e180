"""Arrivals: only participants whose submission Prolific knows get work."""

from __future__ import annotations

import pytest

from famulus import Arrival, Preview, Refusal, UnavailableError
from famulus.testing import MovableClock
from famulus_prolific.fake import Fault
from famulus_prolific.tokens import VARIABLE
from prolific_bench import Bench, parameters


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """A run whose study has places."""
    bench.provider.set_places(bench.run, 3)
    return bench


@pytest.fixture
def secure(bench: Bench) -> Bench:
    """A run whose study has signed addresses."""
    bench.restart(secure_urls=True)
    bench.provider.set_places(bench.run, 3)
    return bench


def taken(bench: Bench, number: int = 1) -> dict[str, str]:
    """Have a participant take a place; return the parameters that they arrive with."""
    _, url = bench.prolific.participant(number).take(bench.study.id)
    return parameters(url)


def test_a_participant_arrives_as_the_worker_of_their_submission(opened: Bench) -> None:
    query = taken(opened)

    expected = Arrival(worker_name=query["PROLIFIC_PID"], reference=query["SESSION_ID"])
    assert opened.arrive(query) == expected


def test_reloads_cost_one_call(opened: Bench) -> None:
    query = taken(opened)

    for _ in range(3):
        assert isinstance(opened.arrive(query), Arrival)

    assert len(opened.prolific.called("get-submission")) == 1


@pytest.mark.parametrize("name", ["PROLIFIC_PID", "SESSION_ID", "STUDY_ID"])
def test_made_up_parameters_are_refused(opened: Bench, name: str) -> None:
    forged = {**taken(opened), name: f"{7:024x}"}

    for _ in range(5):
        assert isinstance(opened.arrive(forged), Refusal)

    assert len(opened.prolific.called("get-submission")) <= 1


def test_the_submission_of_another_study_is_refused(opened: Bench) -> None:
    opened.provider.set_places(opened.other_run(2), 1)
    theirs = [study for study in opened.studies if study.fields["metadata"] == "key-2"]
    _, url = opened.prolific.participant(1).take(theirs[0].id)

    assert isinstance(opened.arrive(parameters(url)), Refusal)


def test_a_returned_submission_gets_no_work(opened: Bench) -> None:
    person = opened.prolific.participant(1)
    submission, url = person.take(opened.study.id)
    person.give_back(submission)

    assert isinstance(opened.arrive(parameters(url)), Refusal)


def test_who_looks_at_the_study_sees_the_preview(opened: Bench) -> None:
    assert opened.arrive({}) == Preview()
    assert opened.arrive({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}"}) == Preview()


def test_a_worker_is_asked_to_come_again_while_prolific_is_away(opened: Bench) -> None:
    query = taken(opened)
    opened.prolific.faults.plan(Fault.LOSE_REQUEST, "get-submission")

    with pytest.raises(UnavailableError):
        opened.arrive(query)
    assert isinstance(opened.arrive(query), Arrival)


@pytest.mark.parametrize("is_refused", [True, False])
def test_no_worker_gets_work_while_the_token_of_the_requester_is_faulty(
    opened: Bench, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = taken(opened)
    forged = {**query, "SESSION_ID": f"{7:024x}"}
    if is_refused:
        opened.prolific.state.tokens.clear()
    else:
        monkeypatch.delenv(VARIABLE)
        opened.restart()

    for each in (query, forged):
        with pytest.raises(UnavailableError):
            opened.arrive(each)

    opened.prolific.state.tokens.add(opened.prolific.token)
    monkeypatch.setenv(VARIABLE, opened.prolific.token)
    assert isinstance(opened.arrive(query), Arrival)
    assert isinstance(opened.arrive(forged), Refusal)


def test_a_signed_arrival_needs_no_token_of_the_requester(
    secure: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = taken(secure)
    monkeypatch.delenv(VARIABLE)
    secure.restart()

    assert isinstance(secure.arrive(query), Arrival)
    assert isinstance(secure.arrive({**query, "prolific_token": "a.b.c"}), Refusal)


@pytest.mark.parametrize("audience", ["address", "origin", "domain"])
def test_a_signed_arrival_needs_no_call(secure: Bench, audience: str) -> None:
    secure.prolific.facts.audience = audience
    query = taken(secure)

    assert isinstance(secure.arrive(query), Arrival)
    assert secure.prolific.called("get-submission") == []


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_reload_works_after_the_token_has_expired(
    secure: Bench, clock: MovableClock, is_restarted: bool
) -> None:
    query = taken(secure)
    secure.arrive(query)
    clock.advance(10 * 60)
    if is_restarted:
        secure.restart()

    for _ in range(3):
        assert isinstance(secure.arrive(query), Arrival)

    assert secure.prolific.called("get-submission") == []


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_reload_works_in_a_server_that_was_started_without_the_token_of_the_requester(
    bench: Bench, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, is_signed: bool
) -> None:
    bench.restart(secure_urls=is_signed)
    bench.provider.set_places(bench.run, 3)
    query = taken(bench)
    bench.arrive(query)
    clock.advance(10 * 60)
    monkeypatch.delenv(VARIABLE)
    bench.restart()

    assert isinstance(bench.arrive(query), Arrival)
    stranger = {**query, "PROLIFIC_PID": f"{7:024x}", "prolific_token": ""}
    if is_signed:
        assert isinstance(bench.arrive(stranger), Refusal)
    else:
        with pytest.raises(UnavailableError):
            bench.arrive(stranger)


def test_who_comes_late_where_no_token_of_the_requester_is_opens_the_study_again(
    secure: Bench, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = secure.prolific.participant(1)
    submission, url = person.take(secure.study.id)
    clock.advance(10 * 60)
    monkeypatch.delenv(VARIABLE)
    secure.restart()

    refusal = secure.arrive(parameters(url))

    assert isinstance(refusal, Refusal)
    assert "Open the study again" in str(refusal.detail)
    assert isinstance(secure.arrive(parameters(person.start(submission))), Arrival)


def test_an_expired_token_admits_no_worker_whom_prolific_is_not_asked_about(
    secure: Bench, clock: MovableClock
) -> None:
    secure.restart(verify_arrivals=False)
    known, unknown = taken(secure), taken(secure, 2)
    secure.arrive(known)
    clock.advance(10 * 60)

    assert isinstance(secure.arrive(known), Arrival)
    refused = secure.arrive(unknown)

    assert isinstance(refused, Refusal)
    assert "too old" in refused.detail


def test_a_signed_study_admits_no_worker_without_a_token_of_theirs(secure: Bench) -> None:
    query, other = taken(secure), taken(secure, 2)
    secure.arrive(query)

    for token in ("", "a.b.c", other["prolific_token"]):
        assert isinstance(secure.arrive({**query, "prolific_token": token}), Refusal)


def test_keys_may_be_rotated(secure: Bench, clock: MovableClock) -> None:
    assert isinstance(secure.arrive(taken(secure)), Arrival)
    secure.prolific.signing.rotate()
    clock.advance(60)

    assert isinstance(secure.arrive(taken(secure, 2)), Arrival)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("verify_arrivals", [True, False])
def test_a_reload_works_after_the_key_of_its_token_was_withdrawn(
    secure: Bench, clock: MovableClock, is_restarted: bool, verify_arrivals: bool
) -> None:
    secure.restart(verify_arrivals=verify_arrivals)
    person = secure.prolific.participant(1)
    submission, url = person.take(secure.study.id)
    addresses = [parameters(url)]
    secure.arrive(addresses[0])
    clock.advance(5)
    addresses.append(parameters(person.start(submission)))
    assert addresses[0]["prolific_token"] != addresses[1]["prolific_token"]
    secure.arrive(addresses[1])
    clock.advance(60)
    secure.prolific.signing.rotate(withdraw=True)
    addresses.append(parameters(person.start(submission)))
    if is_restarted:
        secure.restart()

    for query in [*addresses, *addresses]:
        assert isinstance(secure.arrive(query), Arrival)


@pytest.mark.parametrize("name", ["PROLIFIC_PID", "SESSION_ID"])
def test_a_token_that_was_verified_opens_no_other_visit(
    secure: Bench, clock: MovableClock, name: str
) -> None:
    query, other = taken(secure), taken(secure, 2)
    secure.arrive(query)
    secure.arrive(other)
    secure.prolific.signing.rotate(withdraw=True)
    secure.restart()

    mixed = [{**query, name: other[name]}, {**other, "prolific_token": query["prolific_token"]}]
    for each in mixed:
        assert isinstance(secure.arrive(each), Refusal)
        clock.advance(30)


def test_a_token_whose_key_was_withdrawn_before_it_was_seen_opens_no_visit(
    secure: Bench, clock: MovableClock
) -> None:
    person = secure.prolific.participant(1)
    submission, url = person.take(secure.study.id)
    query = parameters(url)
    secure.arrive(query)
    clock.advance(5)
    unseen = parameters(person.start(submission))
    secure.prolific.signing.rotate(withdraw=True)
    secure.restart()

    assert isinstance(secure.arrive(unseen), Refusal)
    assert isinstance(secure.arrive(query), Arrival)


def test_tokens_of_a_forgotten_worker_are_not_kept(secure: Bench) -> None:
    query = taken(secure)
    secure.arrive(query)
    secure.provider.forget(query["PROLIFIC_PID"], "someone")
    secure.prolific.signing.rotate(withdraw=True)
    secure.restart()

    assert isinstance(secure.arrive(query), Refusal)
