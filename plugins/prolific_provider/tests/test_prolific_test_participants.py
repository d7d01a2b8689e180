"""Test participants are made by a command, for an account."""

from __future__ import annotations

from typing import Any

import pytest

from famulus import Database, register_requester
from famulus.testing import run_command
from famulus_prolific.command import prolific as command
from famulus_prolific.fake import FakeProlific, Fault
from prolific_run import prolific_plugins

EMAIL = "me+test@example.org"


def register(prolific: FakeProlific, database: Database, *names: str) -> None:
    plugins = prolific_plugins()
    for name in names:
        register_requester(database, "prolific", name, plugins=plugins, api_url=prolific.api_url)


def make(database_address: str, *words: str) -> Any:
    return run_command(command, "test-participant", EMAIL, *words, database=database_address)


def made(prolific: FakeProlific) -> list[str]:
    with prolific.turn() as state:
        return [name for name, each in state.participants.items() if each.is_test]


@pytest.mark.parametrize(("names", "words"), [(["a"], []), (["a", "b"], ["--requester", "b"])])
def test_a_test_participant_is_made_for_an_account(
    prolific: FakeProlific,
    database: Database,
    database_address: str,
    names: list[str],
    words: list[str],
) -> None:
    register(prolific, database, *names)

    result = make(database_address, *words)

    (name,) = made(prolific)
    assert result.exit_code == 0
    assert f"Made the test participant {name}" in result.output


@pytest.mark.parametrize(
    ("names", "words", "message"),
    [
        ([], [], "name the account with --requester: there is none"),
        (["a", "b"], [], "name the account with --requester: there is a, b"),
        (["a"], ["--requester", "c"], "there is no requester 'c' of prolific; there is a"),
    ],
)
def test_the_account_has_to_be_known(
    prolific: FakeProlific,
    database: Database,
    database_address: str,
    names: list[str],
    words: list[str],
    message: str,
) -> None:
    register(prolific, database, *names)

    result = make(database_address, *words)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert made(prolific) == []


def test_the_refusal_of_a_test_participant_names_what_they_need(
    prolific: FakeProlific, database: Database, database_address: str
) -> None:
    register(prolific, database, "a")
    prolific.state.features.discard("test_participants")

    result = make(database_address)

    assert result.exit_code != 0
    assert "a workspace for which Prolific has enabled them" in " ".join(result.output.split())


@pytest.mark.parametrize(("fault", "is_maybe"), [(Fault.LOSE_REPLY, True), (Fault.THROTTLE, False)])
def test_a_lost_reply_names_what_may_have_been_made(
    prolific: FakeProlific,
    database: Database,
    database_address: str,
    fault: Fault,
    is_maybe: bool,
) -> None:
    register(prolific, database, "a")
    prolific.faults.plan(fault, "create-test-participant")

    result = make(database_address)

    assert result.exit_code != 0
    assert ("may have been made" in " ".join(result.output.split())) is is_maybe
