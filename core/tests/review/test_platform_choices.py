"""What only some platforms take: amounts, categories and requested returns, in a review."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.data.newest_units import newest_units
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus
from famulus.model.tables import PaymentTable, ReviewTable, TaskRunTable
from famulus.review.choices import Choice
from famulus.review.decision_file import FileResult, apply_decision_file, read_decisions
from famulus.review.interactive import examine
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal
from famulus.review.unit_page import UnitPages
from famulus.testing.inprocess import kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

REASON = "It is about another text."
RULES = "Reject only work without any effort, and say what is missing in it. " * 3
ALL = Capabilities(
    partial_approvals=PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.80")),
    requests_return=True,
    days_before_rejection=7,
    rejection_categories={
        "NO_DATA": "Nothing is answered.",
        "LOW_EFFORT": "The answers show that the text was not read, in most of the questions.",
    },
    rejection_rules=RULES,
    replaces_by_itself=True,
)

Hold = Callable[..., str]
Statuses = Callable[[], dict[str, list[str]]]
Begin = Callable[..., ReviewSession]
Apply = Callable[[str], FileResult]
Check = Callable[[str], list[str]]

pytestmark = pytest.mark.usefixtures("done")


@pytest.fixture
def features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", ALL)


@pytest.fixture
def apply(session_of: Begin, tmp_path: Path) -> Apply:
    """A function that applies the text of a decision file."""

    def run(text: str) -> FileResult:
        file = tmp_path / "decisions.csv"
        file.write_text(text, encoding="utf-8")
        session = session_of()
        return apply_decision_file(session, read_decisions(session, file))

    return run


@pytest.fixture
def problems(apply: Apply, database: Database) -> Check:
    """A function that returns what is wrong with a file's text, and sees that nothing changes."""

    def run(text: str) -> list[str]:
        before = recorded(database)
        with pytest.raises(UsageError) as caught:
            apply(text)
        assert recorded(database) == before
        return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]

    return run


def recorded(database: Database) -> list[tuple[str, int | None, str, bool]]:
    with database.read() as tx:
        rows = tx.rows(ReviewTable.select().order_by(ReviewTable.id))
    return [(row.decision, row.amount, row.category, bool(row.applied_at)) for row in rows]


def owed(database: Database) -> list[int]:
    query = PaymentTable.select().where(PaymentTable.status == PaymentStatus.OWED)
    with database.read() as tx:
        return [row.amount for row in tx.rows(query)]


def test_keys_are_offered_where_the_platform_knows_what_they_do(
    review: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = review("l", "t", "q")
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(requests_return=True))
    with_return = review("?", "l", "q")

    assert "'l' is not one of the keys" in without
    assert "'t' is not one of the keys" in without
    assert "ask to re(t)urn" in with_return
    assert "A, R, P, V, T: the same" in with_return
    assert "'l' is not one of the keys" in with_return


@pytest.mark.usefixtures("features")
def test_no_line_of_the_questions_is_longer_than_a_terminal(review: Hold) -> None:
    printed = review("?", "r", "", "q")

    typed = printed.replace("explains: ", "explains: \n").replace(": (a)", ":\n(a)")
    questions = typed.partition("<unit")[2]
    assert max(map(len, questions.splitlines())) <= 80


@pytest.mark.usefixtures("features")
def test_less_is_asked_for_until_the_platform_can_approve_it(
    review: Hold, database: Database, statuses: Statuses
) -> None:
    printed = review("l", "much", "0.10", "0.09", "0.05", "q")

    assert "Pay how much of 0.10 USD (0.01 to 0.08)? " in printed
    assert "The amount 0.10 is not between 0 and the reward of 0.10 USD." in printed
    assert "not within what crowd can approve of 0.10 USD, 0.01 to 0.08." in printed
    assert statuses()["x"] == ["accepted/approved", "completed/completed"]
    assert owed(database) == [5]
    assert "worker x, (1/1), Previous (1, 1 for less | 0(0) / 1)" in review("q")


@pytest.mark.usefixtures("features")
def test_less_for_all_and_its_undoing(review: Hold, database: Database) -> None:
    review("L", "0.05", "u", "L", "0.04", "q")

    assert owed(database) == [4, 4]
    assert [each for each in recorded(database) if each[3]] == [("accepted", 4, "", True)] * 2


@pytest.mark.usefixtures("features")
def test_empty_answer_asks_for_another_key(review: Hold, database: Database) -> None:
    printed = review("l", "", "r", "", "t", "", "q")

    assert "Not decided: a requested return needs a reason." in printed
    assert recorded(database) == []


@pytest.mark.usefixtures("features")
def test_rules_and_categories_are_shown_before_the_reason(review: Hold, database: Database) -> None:
    printed = review("r", "3", "2", REASON, "r", "no_data", REASON, "q")

    assert printed.count("The rules of crowd on rejections:") == 1
    assert printed.count("rejected work is offered to another worker") == 1
    assert (
        "  1  NO_DATA: Nothing is answered.\n"
        "  2  LOW_EFFORT: The answers show that the text was not read, in most of the\n"
        "     questions.\n"
        "Category, 1 to 2: '3' is not one of the numbers; an empty line rejects nothing.\n"
    ) in printed
    assert recorded(database) == [
        ("rejected", None, "LOW_EFFORT", True),
        ("rejected", None, "NO_DATA", True),
    ]


@pytest.mark.usefixtures("features")
def test_requested_return_is_shown_and_a_rejection_is_possible_after_its_days(
    review: Hold, database: Database, clock: MovableClock, statuses: Statuses
) -> None:
    review("t", REASON, "q")
    clock.advance(86400)
    early = review("t", "r", "q")
    clock.advance(7 * 86400)
    late = review("r", "1", "Empty.", "q")

    assert f"Return requested on 2030-01-01: {REASON}\n" in early
    assert "Its return was requested on 2030-01-01 already." in early
    assert "cannot be rejected before 2030-01-08 12:00:00 UTC" in early
    assert "The rules of" not in early
    assert "Return requested on 2030-01-01" in late
    assert statuses()["x"][0] == "rejected/rejected"
    assert [each[0] for each in recorded(database)] == ["return_requested", "rejected"]


@pytest.mark.usefixtures("features")
def test_return_is_requested_of_all_and_undone(review: Hold, database: Database) -> None:
    printed = review("T", REASON, "u", "q")

    assert "Requested the return of 2 units of worker x." in printed
    assert "Undone: 2 decisions." in printed
    assert "All submitted" not in printed
    assert [each[3] for each in recorded(database)] == [False, False]


@pytest.mark.usefixtures("features")
def test_decisions_of_a_killed_review_are_applied_for_what_they_say(
    session_of: Begin, database: Database
) -> None:
    """A process that is killed leaves what it has recorded; the next review applies it."""
    killed = session_of()
    group = killed.next_group()
    assert group is not None
    less = Choice(decision=Decision.ACCEPTED, amount=Decimal("0.03"))
    back = Choice(decision=Decision.RETURN_REQUESTED, note=REASON)
    for choice in (less, back):
        unit = killed.next_unit(group.worker.id)
        assert unit is not None
        killed.decide(unit, choice)
        if choice is less:
            group = killed.next_group()
            assert group is not None

    applied = [session_of().apply_leftovers().decisions for _ in range(2)]

    assert applied == [2, 0]
    assert owed(database) == [3]


@pytest.mark.usefixtures("features")
def test_amount_for_all_that_does_not_fit_the_first_unit_decides_nothing(
    session_of: Begin, database: Database
) -> None:
    session = session_of()
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    made = session.decide_rest(unit, Choice(decision=Decision.ACCEPTED, amount=Decimal("0.05")))
    session.undo()
    database.write(lambda tx: tx.execute(TaskRunTable.update(reward=3)))

    with pytest.raises(UsageError, match=r"not between 0 and the reward of 0\.03 USD"):
        session.decide_rest(unit, Choice(decision=Decision.ACCEPTED, amount=Decimal("0.05")))

    assert len(made.reviews) == 2
    assert session.undo() is None


@pytest.mark.usefixtures("features")
def test_file_with_amounts_categories_and_returns_is_applied_once(
    units: list[int], apply: Apply, database: Database
) -> None:
    text = (
        "unit,decision,note,amount,category\n"
        f"{units[0]},accepted,,0.05,\n"
        f"{units[1]},rejected,{REASON},,LOW_EFFORT\n"
        f"{units[2]},return_requested,{REASON},,\n"
    )

    first, again = apply(text), apply(text)

    assert first.decided.total() == 3
    assert (again.decided.total(), again.unchanged) == (0, 3)
    assert recorded(database) == [
        ("accepted", 5, "", True),
        ("rejected", None, "LOW_EFFORT", True),
        ("return_requested", None, "", True),
    ]


@pytest.mark.usefixtures("features")
@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("accepted,,0.10,", "the amount 0.10 is not between 0 and the reward of 0.10 USD"),
        (
            "accepted,,0.09,",
            "the amount 0.09 is not within what crowd can approve of 0.10 USD, 0.01 to 0.08",
        ),
        ("accepted,,a lot,", "'a lot' is not an amount"),
        ("accepted,,0.055,", "0.055 USD is finer than the smallest unit of USD"),
        ("soft_rejected,,0.05,", "an amount can only be given for accepted work"),
        ("accepted,,,NO_DATA", "a category can only be given for rejected work"),
        (
            "rejected,why,,",
            "crowd requires a category for a rejection, one of NO_DATA, LOW_EFFORT",
        ),
        ("rejected,why,,NODATA", "'NODATA' is not a category of crowd; did you mean 'NO_DATA'?"),
        ("return_requested,,,", "a requested return needs a reason"),
    ],
)
def test_line_that_the_platform_does_not_take_is_a_problem(
    units: list[int], problems: Check, row: str, problem: str
) -> None:
    (found,) = problems(f"unit,decision,note,amount,category\n{units[0]},{row}\n")

    assert found.startswith(f"2: {problem}")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "accepted,,0.05,",
            "crowd does not support partial acceptance; accept the work in full, or reject it",
        ),
        ("rejected,why,,NO_DATA", "crowd has no categories of rejections"),
        ("return_requested,why,,", "crowd does not support requested returns"),
    ],
)
def test_line_that_other_platforms_take_is_a_problem_elsewhere(
    units: list[int], problems: Check, row: str, problem: str
) -> None:
    assert problems(f"unit,decision,note,amount,category\n{units[0]},{row}\n") == [f"2: {problem}"]


@pytest.mark.usefixtures("features")
def test_line_that_comes_too_early_or_too_late_is_a_problem(
    units: list[int], apply: Apply, problems: Check, clock: MovableClock
) -> None:
    header = "unit,decision,note,amount,category\n"
    apply(
        f"{header}{units[0]},return_requested,{REASON},,\n{units[1]},accepted,,0.05,\n"
        f"{units[2]},rejected,{REASON},,NO_DATA\n"
    )

    early = problems(
        f"{header}{units[0]},rejected,{REASON},,NO_DATA\n{units[1]},accepted,,0.06,\n"
        f"{units[2]},return_requested,{REASON},,\n"
    )
    clock.advance(7 * 86400)
    later = apply(f"{header}{units[0]},rejected,{REASON},,NO_DATA\n")

    assert early == [
        f"2: unit {units[0]} cannot be rejected before 2030-01-08 12:00:00 UTC: the return of its "
        "visit was requested on 2030-01-01",
        f"3: unit {units[1]} is already accepted, which can no longer change",
        f"4: unit {units[2]} is already rejected, which can no longer change",
    ]
    assert later.decided == {Decision.REJECTED: 1}


@pytest.mark.usefixtures("features")
def test_examined_units_show_what_was_decided(
    units: list[int], apply: Apply, session_of: Begin, database: Database
) -> None:
    apply(
        "unit,decision,note,amount,category\n"
        f"{units[0]},accepted,,0.05,\n{units[1]},rejected,{REASON},,NO_DATA\n"
        f"{units[2]},return_requested,{REASON},,\n"
    )
    scope, printed = session_of().scope, io.StringIO()
    pages = UnitPages(database, kit_plugins())

    examine(Terminal(None, printed), database, scope, lambda unit: "-", start=0, end=9)
    html = "".join(map(pages, newest_units(database, scope)))

    lines = (
        "Accepted for 0.05 of 0.10 USD",
        f"Rejected as NO_DATA: {REASON}",
        f"Return requested on 2030-01-01: {REASON}",
    )
    assert all(line in printed.getvalue() and line in html for line in lines)
    assert printed.getvalue().splitlines().count("-") == 4
