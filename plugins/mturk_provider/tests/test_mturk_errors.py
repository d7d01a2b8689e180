"""Errors are read by their meaning, and the effect of a call with a lost reply is found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions

from famulus import Approve, Outcome, RefusedError, Reject, UnavailableError, UsageError
from famulus_mturk.calls import Account, CallLostError, KeysError, Mturk
from famulus_mturk.fake import FakeMTurk, Fault
from famulus_mturk.meanings import Meaning, meaning_of
from mturk_bench import Bench


def known(bench: Bench) -> list[str]:
    """Return the HITs of the run that are kept here, and fail on places without one."""
    rows = bench.provider._records.of_places(bench.run.id, range(100))
    return [row.hit_id for row in rows]


def made(bench: Bench) -> list[str]:
    with bench.account.turn() as state:
        return list(state.hits)


@pytest.fixture(params=[True, False], ids=["HITAlreadyExists", "HitAlreadyExists"])
def spelt(request: pytest.FixtureRequest, bench: Bench) -> Bench:
    """MTurk spells its codes as people report them, or as its documentation does."""
    bench.account.state.facts.codes_as_reported = request.param
    return bench


@pytest.mark.parametrize("codes_given", [True, False])
@pytest.mark.parametrize("named", ["hit", "request", "nothing"])
def test_batch_continues_over_existing_hits_without_a_row(
    spelt: Bench, named: str, codes_given: bool
) -> None:
    bench, facts = spelt, spelt.account.state.facts
    facts.duplicate_names, facts.codes_given = named, codes_given
    bench.provider.set_places(bench.run, 1)
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 4)

    bench.restart()
    bench.provider.set_places(bench.run, 4)

    assert len(made(bench)) == 4
    assert sorted(known(bench)) == sorted(made(bench))


def test_botocores_own_retry_of_a_lost_reply_adopts_the_hit(
    spelt: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = spelt
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    bench.restart()
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")

    bench.provider.set_places(bench.run, 4)

    assert len(made(bench)) == 4
    assert sorted(known(bench)) == sorted(made(bench))


@pytest.mark.parametrize(
    ("fault", "says", "maybe_done"),
    [
        (Fault.FAIL, "gave no answer", True),
        (Fault.LOSE_REPLY, "gave no answer", True),
        (Fault.THROTTLE, "cannot be reached", False),
    ],
)
def test_no_attempt_begins_after_twenty_seconds(
    mturk: FakeMTurk,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    says: str,
    maybe_done: bool,
) -> None:
    """AWS's settings may allow any number of them."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "50")
    site, seconds = mturk.sandbox, count(0, 9)
    site.faults.plan(fault, "GetAccountBalance", times=50)
    account = Account(sandbox=True, endpoint_url=site.endpoint_url)
    calls = Mturk(account, timer=lambda: float(next(seconds)))

    with pytest.raises(CallLostError, match="each attempt in 20 seconds has failed") as caught:
        calls.call("get_account_balance")

    assert says in str(caught.value)
    assert caught.value.maybe_done is maybe_done
    assert next(seconds) == 36, "it was read at the beginning and before three attempts"


def test_hit_that_is_not_listed_yet_is_waited_for(bench: Bench) -> None:
    facts, faults = bench.account.state.facts, bench.account.faults
    facts.duplicate_names = "nothing"
    faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    faults.lists_late = timedelta(hours=1)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            bench.provider.set_places(bench.run, 2)
    faults.clear()

    bench.provider.set_places(bench.run, 2)

    assert sorted(known(bench)) == sorted(made(bench))


@pytest.mark.parametrize("codes_given", [True, False])
def test_repeated_verdict_is_confirmed_without_an_error_code(
    bench: Bench, codes_given: bool
) -> None:
    bench.account.state.facts.codes_given = codes_given
    bench.provider.set_places(bench.run, 2)
    visit, other = bench.submitted("A1"), bench.submitted("A2")

    outcomes = [bench.decide(visit, Approve()) for _ in range(2)]
    outcomes += [bench.decide(other, Reject("no")) for _ in range(2)]
    bonus = bench.bonus(visit)
    outcomes += [bench.pay(bonus) for _ in range(2)]
    bench.provider.pause_places(bench.run)
    for _ in range(2):
        bench.provider.dispose(bench.run)

    assert outcomes == [Outcome.CONFIRMED] * 6
    assert len(bench.account.state.bonuses) == 1


@pytest.mark.parametrize("are_folded", [True, False])
def test_a_bonus_is_found_in_mturks_list_however_its_text_is_shown(
    bench: Bench, are_folded: bool
) -> None:
    bench.account.state.facts.texts_are_folded = are_folded
    bench.provider.set_places(bench.run, 1)
    bonus = bench.bonus(bench.approved("A1"), reason="Well\x07 done.\n\n  Come again! ")
    bench.account.faults.plan(Fault.LOSE_REPLY, "SendBonus")

    assert bench.pay(bonus) is Outcome.UNKNOWN
    assert bench.settle(bonus) is Outcome.CONFIRMED


def test_control_characters_in_texts_for_workers_are_removed(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    visit = bench.submitted("A1")
    note = "Read\x1b[31m the\x00 task.\nThen answer."

    assert bench.decide(visit, Reject(note)) is Outcome.CONFIRMED
    bench.provider.block("A1", "\x07")

    [call] = bench.account.called("RejectAssignment")
    assert call.parameters["RequesterFeedback"] == "Read[31m the task.\nThen answer."


@pytest.mark.parametrize("are_strict", [True, False])
def test_repeated_block_changes_nothing(bench: Bench, are_strict: bool) -> None:
    bench.account.state.facts.blocks_are_strict = are_strict
    for _ in range(2):
        bench.provider.block("A1", "")
    assert bench.account.state.blocks

    for _ in range(2):
        bench.provider.unblock("A1", "")

    assert not bench.account.state.blocks


@pytest.mark.parametrize(
    "code", ["ExpiredTokenException", "ExpiredToken", "RequestExpired", "expiredTokenException"]
)
def test_expired_keys_are_not_a_refusal_and_name_the_remedy(bench: Bench, code: str) -> None:
    bench.account.state.facts.expired_code = code
    bench.account.faults.expired_keys.add("")
    with pytest.raises(UnavailableError, match="aws sso login"):
        bench.provider.set_places(bench.run, 2)
    bench.account.faults.clear()

    bench.provider.set_places(bench.run, 2)

    assert len(made(bench)) == 2


def test_keys_that_were_renewed_in_their_file_are_used_without_a_restart(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    with pytest.raises(KeysError, match="aws configure"):
        bench.provider.set_places(bench.run, 1)
    for key in ("first", "second"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = hidden\n")
        bench.provider.set_places(bench.run, len(made(bench)) + 1)
        bench.account.faults.expired_keys.add(key)
        with pytest.raises(KeysError, match="has expired"):
            bench.provider.set_places(bench.run, 9)

    assert len(made(bench)) == 2
    assert {call.access_key for call in bench.account.calls} == {"first", "second"}


def test_registering_with_expired_keys_is_an_error_of_usage(bench: Bench) -> None:
    bench.account.faults.expired_keys.add("")
    args = bench.provider.RequesterArgs(endpoint_url=bench.account.endpoint_url)

    with pytest.raises(UsageError, match="aws sso login"):
        bench.provider.register("me", args)


@pytest.mark.parametrize("then", [Fault.THROTTLE, Fault.FAIL])
def test_a_bonus_is_unknown_once_one_attempt_may_have_paid_it(
    bench: Bench, then: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.provider.set_places(bench.run, 1)
    bonus = bench.bonus(bench.approved("A1"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bench.restart()
    bench.account.faults.plan(Fault.LOSE_REPLY, "SendBonus")
    bench.account.faults.plan(then, "SendBonus")

    assert bench.pay(bonus) is Outcome.UNKNOWN
    assert bench.settle(bonus) is Outcome.CONFIRMED


def test_a_bonus_refused_after_an_attempt_that_may_have_paid_it_is_unknown(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.provider.set_places(bench.run, 1)
    bonus = bench.bonus(bench.submitted("A1"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bench.restart()
    bench.account.faults.plan(Fault.FAIL_AFTER, "SendBonus")

    assert bench.pay(bonus) is Outcome.UNKNOWN


def test_session_that_botocore_finds_expired_is_not_a_lost_call(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.provider.set_places(bench.run, 1)
    bonus = bench.bonus(bench.approved("A1"))

    def sign(*_: Any, **__: Any) -> None:
        raise exceptions.UnauthorizedSSOTokenError

    client = bench.provider._mturk._opened()
    client.meta.events.register("before-sign.mturk", sign)

    with pytest.raises(KeysError, match="aws sso login") as caught:
        bench.pay(bonus)
    assert not caught.value.maybe_done


def error_reply(
    code: str = "", turk: str = "", message: str = "", status: int = 400
) -> Mapping[str, Any]:
    return {
        "Error": {"Code": code, "Message": message},
        "TurkErrorCode": turk,
        "ResponseMetadata": {"HTTPStatusCode": status},
    }


@pytest.mark.parametrize(
    ("response", "meaning"),
    [
        (error_reply("RequestError", "AWS.MechanicalTurk.HITAlreadyExists"), Meaning.EXISTS),
        (error_reply("RequestError", "aws.mechanicalturk.hitalreadyexists"), Meaning.EXISTS),
        (error_reply("RequestError", "AWS.MechanicalTurk.HitDoesNotExist"), Meaning.MISSING),
        (error_reply("RequestError", "AWS.MechanicalTurk.InvalidAssignmentState"), Meaning.STATE),
        (error_reply("RequestError", "AWS.MechanicalTurk.InsufficientFunds"), Meaning.FUNDS),
        (error_reply("RequestError", "AWS.MechanicalTurk.DuplicateRequest"), Meaning.PROCESSED),
        (
            error_reply(
                "RequestError", message='The idempotency token "3X" has already been processed.'
            ),
            Meaning.PROCESSED,
        ),
        (error_reply("RequestError", message="Hit 311HQ does not exist. (1 s)"), Meaning.MISSING),
        (
            error_reply(
                "RequestError",
                "AWS.MechanicalTurk.ParameterValidationError",
                "There was an error with the parameter Title: already exists",
            ),
            Meaning.REFUSED,
        ),
        (error_reply("com.amazon.coral.service#ExpiredTokenException"), Meaning.EXPIRED),
        (error_reply("InvalidClientTokenId", status=403), Meaning.KEYS),
        (error_reply("Forbidden", status=403), Meaning.KEYS),
        (error_reply("RequestTimeTooSkewed"), Meaning.KEYS),
        (error_reply("ThrottlingException"), Meaning.BUSY),
        (error_reply("503", status=503), Meaning.BUSY),
        (error_reply("ServiceFault", status=500), Meaning.FAILED),
        (error_reply("502", status=502), Meaning.FAILED),
        (error_reply("RequestError", message="Your question is not valid XML."), Meaning.REFUSED),
        ({}, Meaning.REFUSED),
    ],
)
def test_spelling_of_a_code_does_not_matter(response: Mapping[str, Any], meaning: Meaning) -> None:
    assert meaning_of(response) is meaning


def test_disallowed_call_stays_a_refusal(bench: Bench) -> None:
    bench.task["task_title"] = "x" * 129

    with pytest.raises(RefusedError):
        bench.provider.set_places(bench.run, 1)
