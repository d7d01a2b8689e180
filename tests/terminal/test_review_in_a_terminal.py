"""The tutorial's review: four units of two workers, in a real terminal, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from famulus import Database
from famulus.data.payments import list_payments
from famulus.model.tables import GrantedQualificationTable, ReviewTable, UnitTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator

EXAMPLE = Path(__file__).parents[2] / "sdk_examples/simple_static_task"
TASK = "html-static-task-example"
LAST = "Press Enter to finish, or u to undo: "
KEYS = """\
(a)ccept, accept for (l)ess, (r)eject, ask to re(t)urn, (p)ass, (v)alue,
(u)ndo, (s)kip, (q)uit; ? explains: """

Open = Callable[..., Any]

pytestmark = pytest.mark.slow
#: For what the terminal does with keys and texts, whatever the database.
any_database = pytest.mark.parametrize("database_address", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def four_units(database_address: str) -> None:
    """The example as two workers have done it: the run is over."""
    with Database(database_address) as database:
        operator = ManualOperator(database)
        with operator:
            _work(operator)


def _work(operator: ManualOperator) -> None:
    run = operator.launch(
        EXAMPLE / "conf" / "example.yaml",
        overrides=["architect=external", "architect.public_url=https://example.org/"],
    )
    operator.load_all(run)
    gateway = operator.gateway(run)
    for name in ("x", "x", "y", "y"):
        worker = GatewayWorker(gateway, name)
        worker.submit(worker.arrive(), rating="passable", comment="")
    gateway.close()
    operator.turn()
    assert operator.progress(run).status == "finished"


def begin(screen: Any) -> None:
    """Answer what is asked before the first unit, as the tutorial does."""
    screen.answer("Enter block qualification: ")
    screen.answer("Enter approve qualification: ")
    screen.answer("Press enter to continue...")


def by_script(in_terminal: Open) -> Any:
    screen = in_terminal(EXAMPLE / "examine_results.py")
    screen.answer(">> ", "r")
    screen.answer("Input task name: ", TASK)
    begin(screen)
    return screen


def by_command(in_terminal: Open) -> Any:
    screen = in_terminal("-m", "famulus", "review", TASK)
    begin(screen)
    return screen


#: The script and the command run the same dialogue, so that each has one of the databases.
each_start = pytest.mark.parametrize(
    ("start", "database_address"),
    [(by_script, "sqlite"), (by_command, "postgresql")],
    indirect=["database_address"],
)


def reviewed(database_address: str) -> tuple[list[str], int]:
    """Return the status of each unit, and how many decisions are not applied."""
    unapplied = ReviewTable.select().where(
        ReviewTable.applied_at.is_null(), ReviewTable.undone_at.is_null()
    )
    with Database(database_address) as database, database.read() as tx:
        units = [
            row.status.value
            for row in tx.rows(UnitTable.select(UnitTable.status).order_by(UnitTable.id))
        ]
        return units, len(tx.rows(unapplied))


def review_text(screen: Any) -> str:
    """Return the dialogue from the qualifications on, without the units' own text."""
    _, _, text = screen.text.partition("If you'd like to soft-block")
    without_units = re.sub(r"(?s)^-{19}\n.*?(?=^\(a\)ccept)", "<unit>\n", text, flags=re.MULTILINE)
    return f"If you'd like to soft-block{without_units}"


REVIEW = f"""\
If you'd like to soft-block workers, you'll need a block qualification. Leave blank otherwise.
Enter block qualification: \

If you'd like to qualify high-quality workers, you'll need an approve qualification. \
Leave blank otherwise.
Enter approve qualification: \

Starting review with following params:
Task name: {TASK}
Blocking qualification: None
Approve qualification: None
Press enter to continue...

Reviewing for worker x, (1/2), Previous (First time worker!) (total remaining: 4)
<unit>
{KEYS}a

Reviewing for worker x, (2/2), Previous (First time worker!) (total remaining: 3)
<unit>
{KEYS}p

Reviewing for worker y, (1/2), Previous (First time worker!) (total remaining: 2)
<unit>
{KEYS}r
Why is it rejected? The worker may read it: It says nothing.
Applied 2 decisions.

Reviewing for worker y, (2/2), Previous (First time worker!) (total remaining: 1)
<unit>
{KEYS}a
That was the last unit. Press Enter to finish, or u to undo: \

Applied 2 decisions.
All submitted units of {TASK} are reviewed.
"""


@each_start
def test_tutorial_is_reviewed_with_the_same_text_by_script_and_by_command(
    in_terminal: Open, database_address: str, start: Callable[[Open], Any]
) -> None:
    screen = start(in_terminal)
    for key in ("a", "p", "r"):
        screen.answer(KEYS, key)
    screen.answer("The worker may read it: ", "It says nothing.")
    screen.answer(KEYS, "a")
    screen.answer(LAST)

    status = screen.wait()

    assert (status, review_text(screen)) == (0, REVIEW)
    assert reviewed(database_address)[1] == 0
    assert sorted(reviewed(database_address)[0]) == [
        "accepted",
        "accepted",
        "rejected",
        "soft_rejected",
    ]


@any_database
def test_script_prints_a_unit_as_the_tutorial_does(in_terminal: Open) -> None:
    screen = by_script(in_terminal)
    screen.answer(KEYS, "q")
    screen.wait()

    unit = re.search(r"(?s)^-{19}\n.*?(?=^\(a\)ccept)", screen.text, flags=re.MULTILINE)
    assert unit is not None
    assert re.fullmatch(
        r"-{19}\nWorker: x\nUnit: \d+\nDuration: 0\nStatus: completed\n"
        r"Character: Ottoline Marsh\nDescription: She keeps a lighthouse .*\n"
        r"Rating: passable\nFiles: \[\]\nFile directory /.*\n",
        unit[0],
    )


@any_database
def test_command_shows_inputs_answers_and_files(in_terminal: Open) -> None:
    screen = by_command(in_terminal)
    screen.answer(KEYS, "q")
    screen.wait()

    for text in (
        "Worker: x\n",
        "Duration: 0\n",
        "Status: completed\n",
        "character_name: Ottoline Marsh\n",
        "rating: passable\n",
        "Files: none\n",
    ):
        assert text in screen.text


@each_start
def test_ctrl_c_keeps_decisions_and_the_next_review_applies_them(
    in_terminal: Open, database_address: str, start: Callable[[Open], Any]
) -> None:
    screen = start(in_terminal)
    screen.answer(KEYS, "a")
    screen.wait_for(KEYS)
    screen.press_ctrl_c()

    status = screen.wait()
    left = reviewed(database_address)
    again = by_command(in_terminal)
    again.answer(KEYS, "q")
    again.wait()

    assert status == (0 if start is by_script else 130)
    assert "Interrupted: 1 decision is kept, and the next review" in screen.text
    assert "Traceback" not in screen.text
    assert (left[0].count("accepted"), left[1]) == (1, 1)
    assert "Applied 1 decision that an earlier review had left." in again.text
    assert reviewed(database_address)[1] == 0


@pytest.mark.parametrize("end", ["hang_up", "kill"])
def test_closed_terminal_and_kill_keep_decisions(
    in_terminal: Open, database_address: str, end: str
) -> None:
    screen = by_command(in_terminal)
    screen.answer(KEYS, "a")
    screen.answer(KEYS, "p")
    screen.wait_for(KEYS)
    getattr(screen, end)()

    left = reviewed(database_address)
    again = by_command(in_terminal)
    again.answer(KEYS, "q")
    again.wait()

    assert (min(left[0]), sorted(left[0])[3], left[1]) == ("accepted", "soft_rejected", 2)
    assert "Applied 2 decisions that an earlier review had left." in again.text
    assert "worker y, (1/2)" in again.text
    assert reviewed(database_address)[1] == 0


@any_database
def test_less_and_a_requested_return_survive_a_kill(
    in_terminal: Open, database_address: str
) -> None:
    screen = by_command(in_terminal)
    screen.wait_for(KEYS)
    screen.press("l")
    screen.answer("Pay how much of 0.30 USD (0.01 to 0.29)? ", "0.30")
    screen.answer("Pay how much of 0.30 USD (0.01 to 0.29)? ", "0.10")
    screen.wait_for(KEYS)
    screen.press("t")
    screen.answer("They read the reason: ", "Please look at all words.")
    screen.wait_for("worker y, (1/2)")
    screen.kill()

    again = by_command(in_terminal)
    again.answer(KEYS, "q")
    again.wait()

    assert "Applied 2 decisions that an earlier review had left." in again.text
    assert "Return requested on " in again.text
    with Database(database_address) as database:
        (paid,) = list_payments(database)
        assert (str(paid.amount), paid.status) == ("0.10", "confirmed")
    units, unapplied = reviewed(database_address)
    assert (sorted(units), unapplied) == (["accepted", *["completed"] * 3], 0)


@any_database
def test_keys_act_without_enter_and_an_enter_after_one_is_ignored(
    in_terminal: Open, database_address: str
) -> None:
    screen = by_command(in_terminal)
    screen.wait_for(KEYS)
    screen.press("a")
    screen.wait_for(KEYS)
    screen.press("\n")
    screen.press("p")
    screen.wait_for("worker y, (1/2)")
    screen.wait_for(KEYS)
    screen.press("q")

    assert screen.wait() == 0
    assert "a  accept: it is paid" not in screen.text
    assert sorted(reviewed(database_address)[0]) == [
        "accepted",
        "completed",
        "completed",
        "soft_rejected",
    ]


@any_database
@pytest.mark.parametrize("enter", ["", "\n"])
def test_enter_after_a_key_answers_no_question_of_that_key(
    in_terminal: Open, database_address: str, enter: str
) -> None:
    screen = in_terminal("-m", "famulus", "review", TASK, "--block-qualification", "bad")
    screen.answer("Enter approve qualification: ")
    screen.answer("Press enter to continue...")
    screen.wait_for(KEYS)
    screen.press(f"r{enter}")
    screen.answer("The worker may read it: ", "It says nothing.")
    screen.wait_for(KEYS)
    screen.press(f"p{enter}")
    screen.wait_for("(y)es/(n)o: ")
    screen.press(f"y{enter}")
    screen.wait_for(KEYS)
    screen.press("q")

    assert screen.wait() == 0
    assert "A rejection needs a reason." not in screen.text
    assert sorted(reviewed(database_address)[0])[2:] == ["rejected", "soft_rejected"]
    with Database(database_address) as database, database.read() as tx:
        assert len(tx.rows(GrantedQualificationTable.select())) == 1


@any_database
def test_enter_that_comes_late_after_a_key_asks_the_question_again(
    in_terminal: Open, database_address: str
) -> None:
    screen = by_command(in_terminal)
    screen.wait_for(KEYS)
    screen.press("r")
    screen.wait_for("The worker may read it: ")
    screen.press("\n")
    screen.answer("The worker may read it: ", "It says nothing.")
    screen.wait_for(KEYS)
    screen.press("q")

    assert screen.wait() == 0
    assert "rejected" in reviewed(database_address)[0]


@any_database
@pytest.mark.parametrize("keys", ["\x1b[A", "\x1bOA", "\x1b[1;5A", "\x1ba"])
def test_arrows_and_other_special_keys_decide_nothing(
    in_terminal: Open, database_address: str, keys: str
) -> None:
    screen = by_command(in_terminal)
    screen.wait_for(KEYS)
    screen.press(keys)
    screen.press("q")

    assert screen.wait() == 0
    assert set(reviewed(database_address)[0]) == {"completed"}


def test_decision_that_ends_the_review_can_be_undone(
    in_terminal: Open, database_address: str
) -> None:
    screen = by_command(in_terminal)
    for _ in range(3):
        screen.wait_for(KEYS)
        screen.press("a")
    screen.answer(KEYS, "r")
    screen.answer("The worker may read it: ", "It says nothing.")
    screen.wait_for(LAST)
    screen.press("u")
    screen.wait_for("worker y, (2/2)")
    screen.wait_for(KEYS)
    screen.press("a")
    screen.wait_for(LAST)
    screen.press("\n\n")

    assert screen.wait() == 0
    assert reviewed(database_address) == (["accepted"] * 4, 0)


@any_database
@pytest.mark.parametrize("end", ["q", "\x03", "\x04", "failure"])
def test_terminal_is_left_as_it_was(in_terminal: Open, end: str) -> None:
    program = """
import sys
from famulus import Database
from famulus.cli.program import program
from famulus.review.review_session import ReviewSession
if sys.argv[1] == "failure":
    ReviewSession.decide = lambda *_: 1 / 0
program(["review", sys.argv[2]], prog_name="famulus")
"""
    screen = in_terminal("-c", program, "failure" if end == "failure" else "", TASK)
    screen.wait_for("Enter block qualification: ")
    before = screen.modes()
    screen.type()
    screen.answer("Enter approve qualification: ")
    screen.answer("Press enter to continue...")
    screen.wait_for(KEYS)
    during = screen.modes()
    screen.press("a" if end == "failure" else end)
    screen.wait()

    assert during != before
    assert screen.modes() == before
