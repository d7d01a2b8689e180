"""The commands ignore space around a name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result

Famulus = Callable[..., Result]


def shown(famulus: Famulus, worker: str) -> dict[str, object]:
    done = famulus("workers", "show", worker, "--provider", "mock", "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_block_of_a_name_with_space_blocks_the_worker(famulus: Famulus) -> None:
    assert famulus("workers", "block", " zoe", "zoe", "--provider", "mock").exit_code == 0

    assert shown(famulus, "zoe\t") == shown(famulus, "zoe")
    assert shown(famulus, "zoe")["blocked"] is True
    again = famulus("workers", "block", "zoe ")
    assert "1 worker is blocked already" in again.stdout
    assert "Unblocked 1 worker" in famulus("workers", "unblock", "\u3000zoe").stdout


def test_a_qualification_and_its_holders_are_found_with_space(famulus: Famulus) -> None:
    assert famulus("qualifications", "create", " good ").exit_code == 0
    done = famulus("qualifications", "grant", "good ", " zoe", "--provider", "mock")
    assert done.exit_code == 0, done.output

    listed = json.loads(famulus("qualifications", "workers", "\tgood", "--json").stdout)
    assert [(each["worker"], each["value"]) for each in listed] == [("zoe", 1)]
    assert famulus("qualifications", "revoke", " good", "zoe ").exit_code == 0
    assert json.loads(famulus("qualifications", "workers", "good", "--json").stdout) == []


@pytest.mark.usefixtures("empty_database")
def test_a_name_with_hidden_characters_is_refused(famulus: Famulus) -> None:
    for command in ("block", "unblock", "show"):
        done = famulus("workers", command, "zo\x1be", "--provider", "mock")
        assert done.exit_code == 2
        assert "cannot be seen (U+001B)" in done.stderr
        assert "\x1b" not in done.output


def test_worker_is_forgotten_only_when_that_is_confirmed(famulus: Famulus) -> None:
    famulus("workers", "block", "zoe", "--provider", "mock")

    declined = famulus("workers", "forget", "zoe")
    assert declined.exit_code == 2
    assert "there is no terminal to confirm it on; add --yes" in declined.stderr
    assert shown(famulus, "zoe")["blocked"] is True

    done = famulus("workers", "forget", " zoe ", "--yes")

    found = re.search("Forgot the worker, who is (forgotten-[0-9a-f]+-1) from now on", done.stdout)
    assert found is not None, done.output
    assert shown(famulus, found[1])["blocked"] is True
    gone = famulus("workers", "forget", "zoe", "--yes")
    assert gone.exit_code == 2
    assert "there is no worker 'zoe' of mock" in gone.stderr
