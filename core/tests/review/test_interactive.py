"""The dialogue for scripts: what it asks, what it prints, and the units it examines."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from famulus import run_examine_or_review
from famulus.data import newest_units as newest_units_module
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

Ask = Callable[..., str]
WHAT = (
    "Do you want to (r)eview, or (e)xamine data? Default examine. "
    "Can put e <end> or e <start> <end> to choose how many to view\n>> "
)


@pytest.fixture
def twenty(operator: ManualOperator, clock: MovableClock) -> None:
    """Twenty rows in two runs, each answered with its number a second after the one before."""
    for numbers in (range(1, 11), range(11, 21)):
        gateway = operator.launch_rows([{"n": n} for n in numbers], task_name="words")
        for number in numbers:
            clock.advance(1)
            GatewayWorker(gateway, "x").work(str(number))


@pytest.fixture
def ask(database: Database) -> Ask:
    """A function that holds the dialogue with the lines it is given; returns what was printed."""

    def hold(
        *lines: str, format_for_printing: Callable[[Mapping[str, Any]], str] = answer_of
    ) -> str:
        printed = io.StringIO()
        run_examine_or_review(
            database,
            format_for_printing,
            plugins=kit_plugins(),
            source=io.StringIO("".join(f"{line}\n" for line in lines)),
            target=printed,
        )
        return printed.getvalue()

    return hold


def answer_of(data: Mapping[str, Any]) -> str:
    return f"<{data['data']['outputs']['answer']}>"


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("", range(20, 5, -1)),
        ("e", range(20, 5, -1)),
        ("e 3", range(20, 17, -1)),
        ("e 2 5", range(18, 15, -1)),
        ("E 0 1", range(20, 19, -1)),
        ("e 18 99", range(2, 0, -1)),
        ("e 18 99999999999999999999", range(2, 0, -1)),
    ],
)
def test_examine_shows_the_newest_first_in_the_range_that_is_asked_for(
    ask: Ask, answer: str, shown: range
) -> None:
    printed = ask(answer, "words")

    expected = "".join(f"<{number}>\n" for number in shown)
    assert printed == f"{WHAT}Input task name: {expected}"


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize(
    "answer", ["x", "e x", "e 5 2", "e 1 2 3", "e -1", "r 2", f"e {'9' * 5000}"]
)
def test_invalid_answer_is_asked_again(ask: Ask, answer: str) -> None:
    printed = ask(answer, "e 1", "words")

    assert f"{answer!r} is none of these: r; e; e 5 for the newest 5" in printed
    assert printed.count(">> ") == 2
    assert printed.endswith("<20>\n")


@pytest.mark.usefixtures("twenty")
def test_unknown_task_is_asked_again_with_a_suggestion(ask: Ask) -> None:
    printed = ask("e 1", "wrods", "words")

    assert "did you mean 'words'?\nInput task name: <20>\n" in printed


@pytest.mark.usefixtures("twenty")
def test_units_of_several_runs_are_merged_by_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest_units_module, "_PAGE", 3)

    units = newest_units(database, find_scope(database, "words"))

    assert [int(unit.outputs["answer"]) for unit in units] == list(range(20, 0, -1))


def test_units_with_equal_times_are_all_shown(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(7)], task_name="words")
    for number in range(7):
        GatewayWorker(gateway, "x").work(str(number))
    monkeypatch.setattr(newest_units_module, "_PAGE", 2)

    units = newest_units(database, find_scope(database, "words"))

    assert [int(unit.outputs["answer"]) for unit in units] == list(range(6, -1, -1))


@pytest.mark.usefixtures("done")
def test_review_asks_the_questions_of_the_tutorial(ask: Ask) -> None:
    printed = ask("r", "words", "", "", "", "q")

    assert printed == (
        f"{WHAT}Input task name: "
        "If you'd like to soft-block workers, you'll need a block qualification. "
        "Leave blank otherwise.\nEnter block qualification: "
        "If you'd like to qualify high-quality workers, you'll need an approve qualification. "
        "Leave blank otherwise.\nEnter approve qualification: "
        "Starting review with following params:\n"
        "Task name: words\n"
        "Blocking qualification: None\n"
        "Approve qualification: None\n"
        "Press enter to continue..."
        "\nReviewing for worker x, (1/2), Previous (First time worker!) (total remaining: 4)\n"
        "<by x>\n"
        "(a)ccept, (r)eject, (p)ass, (v)alue, (u)ndo, (s)kip, (q)uit; ? explains: "
        "4 units of words are left to review.\n"
    )


@pytest.mark.usefixtures("done")
def test_invalid_name_of_a_qualification_is_asked_again(ask: Ask) -> None:
    printed = ask("r", "words", "x" * 300, "bad", "good", "", "q")

    assert "the limit is 255" in printed
    assert printed.count("Enter block qualification: ") == 2
    assert "There is no qualification 'bad' yet; it is created when first granted." in printed
    assert "Blocking qualification: bad\nApprove qualification: good\n" in printed


@pytest.mark.usefixtures("done")
def test_unit_is_shown_as_json_when_its_format_raises(ask: Ask) -> None:
    def broken(data: Mapping[str, Any]) -> str:
        return str(data["data"]["outputs"]["rating"])

    printed = ask("e 1", "words", format_for_printing=broken)

    assert "is shown as JSON: KeyError: 'rating'" in printed
    assert '"answer": "by y"' in printed


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("lines", [[], ["r"], ["r", "words"], ["r", "words", "", ""]])
def test_end_of_the_input_before_the_first_unit_is_explained(ask: Ask, lines: list[str]) -> None:
    assert ask(*lines).endswith(
        "\nThe input has ended before the first unit: nothing was decided.\n"
    )


def test_task_without_submissions_has_nothing_to_examine(
    operator: ManualOperator, ask: Ask
) -> None:
    operator.launch_rows([{"n": 1}], task_name="words")

    assert ask("e", "words").endswith("No unit of words has been submitted yet.\n")


def test_missing_database_is_named_and_not_created(tmp_path: Path) -> None:
    printed = io.StringIO()

    run_examine_or_review(
        tmp_path / "none.db", answer_of, plugins=kit_plugins(), source=printed, target=printed
    )

    assert (
        printed.getvalue()
        == f"There is nothing to review: {tmp_path / 'none.db'} does not exist.\n"
    )
    assert not (tmp_path / "none.db").exists()


@pytest.mark.usefixtures("twenty")
@pytest.mark.parametrize("name", ["", "wrds", "x" * 300])
def test_name_that_no_task_has_is_asked_for_again(ask: Ask, name: str) -> None:
    printed = ask("e 1", name, "words")

    assert printed.count("Input task name: ") == 2
    assert printed.endswith("<20>\n")
