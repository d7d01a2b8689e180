"""Messages to participants: to some or to all, and what is known when a reply is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus import RefusedError, UnavailableError
from famulus.testing import run_command
from famulus_prolific.command import prolific as command
from famulus_prolific.fake import Fault
from famulus_prolific.messages import Messages
from prolific_account import ProlificAccount

SEND = "bulk-message-participants"


@pytest.fixture
def messages(account: ProlificAccount) -> Messages:
    """The messages about the account's study."""
    return Messages(api=account.api(), study=account.study.id)


def received(account: ProlificAccount) -> list[tuple[str, str, str | None]]:
    with account.prolific.turn() as state:
        return [(each.recipient_id, each.body, each.study_id) for each in state.messages]


def test_a_message_goes_to_all_who_have_a_submission(
    account: ProlificAccount, messages: Messages
) -> None:
    names = [account.submission(number).participant_id for number in (1, 2)]

    messages.send(messages.participants(), "Thank you.")

    about = account.study.id
    assert sorted(received(account)) == [(name, "Thank you.", about) for name in names]


def test_many_participants_are_several_calls(account: ProlificAccount, messages: Messages) -> None:
    account.api().patch(f"studies/{account.study.id}/", {"total_available_places": 120})
    names = [account.submission(number).participant_id for number in range(1, 104)]

    messages.send(names, "Thank you.")

    assert len({name for name, _, _ in received(account)}) == 103
    assert len(account.prolific.called(SEND)) == 2


@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.LOSE_REQUEST])
def test_a_lost_reply_names_those_who_may_have_the_message(
    account: ProlificAccount, messages: Messages, fault: Fault
) -> None:
    name = account.submission(1).participant_id
    account.prolific.faults.plan(fault, SEND)

    with pytest.raises(UnavailableError, match=f"may have the message.*{name}"):
        messages.send([name], "Thank you.")


def test_a_stranger_gets_no_message(account: ProlificAccount, messages: Messages) -> None:
    account.submission(1)

    with pytest.raises(RefusedError, match="no message was sent"):
        messages.send(["f" * 24], "Thank you.")

    assert received(account) == []


def test_a_file_that_is_not_utf_8_is_refused_by_its_name(
    tmp_path: Path, database_address: str
) -> None:
    file = tmp_path / "message.txt"
    file.write_bytes("Grüße".encode("latin-1"))

    result = run_command(
        command, "message", "1", "--all", "--file", file, database=database_address
    )

    assert result.exit_code == 2
    assert f"{file} is not UTF-8 (byte 2)" in result.output
