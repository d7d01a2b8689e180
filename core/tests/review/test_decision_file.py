"""Decisions from a file: checked whole, applied once, and mending what was rejected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.contracts.provider_views import Capabilities
from famulus.engine.ledger.decisions import decide
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, UnitStatus
from famulus.model.tables import PaymentTable, ReviewTable, UnitTable
from famulus.review import review_session as session_module
from famulus.review.decision_file import FileResult, apply_decision_file, read_decisions
from famulus.review.review_session import ReviewSession
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.kinds import CrowdProvider

REASON = "It is about another text."

Apply = Callable[[str], FileResult]
Check = Callable[[str], list[str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "decisions.csv"


@pytest.fixture
def apply(session_of: Callable[..., ReviewSession], file: Path) -> Apply:
    """A function that applies a file's text."""

    def run(text: str) -> FileResult:
        file.write_text(text, encoding="utf-8")
        session = session_of()
        rows = read_decisions(session, file)
        session.apply_leftovers()
        return apply_decision_file(session, rows)

    return run


@pytest.fixture
def problems(session_of: Callable[..., ReviewSession], file: Path, database: Database) -> Check:
    """A function that returns what is wrong with a file's text, and sees that nothing changes."""

    def run(text: str) -> list[str]:
        file.write_text(text, encoding="utf-8")
        before = rows_of(database)
        with pytest.raises(UsageError) as caught:
            read_decisions(session_of(), file)
        assert rows_of(database) == before
        return [f"{problem.line}: {problem.message}" for problem in caught.value.problems]

    return run


def rows_of(database: Database) -> tuple[list[UnitStatus], int, int]:
    with database.read() as tx:
        statuses = [
            row.status for row in tx.rows(UnitTable.select(UnitTable.status).order_by(UnitTable.id))
        ]
        return statuses, len(tx.rows(ReviewTable.select())), len(tx.rows(PaymentTable.select()))


def test_each_row_is_recorded_and_applied(
    units: list[int], apply: Apply, database: Database
) -> None:
    a, b, c, _ = units

    applied = apply(
        f"unit,decision,note\n{a},accepted,\n{b},soft_rejected,too short\n{c},rejected,{REASON}\n"
    )

    assert applied.decided == {
        Decision.ACCEPTED: 1,
        Decision.SOFT_REJECTED: 1,
        Decision.REJECTED: 1,
    }
    assert rows_of(database)[0] == ["accepted", "soft_rejected", "rejected", "completed"]
    with database.read() as tx:
        reviews = tx.rows(ReviewTable.select().order_by(ReviewTable.unit))
    assert [row.note for row in reviews] == ["", "too short", REASON]
    assert all(row.applied_at for row in reviews)


def test_same_file_again_changes_nothing(
    units: list[int], apply: Apply, database: Database
) -> None:
    text = f"unit,decision,note\n{units[0]},accepted,\n{units[1]},rejected,{REASON}\n"
    apply(text)
    before = rows_of(database)

    again = apply(text)

    assert (again.decided.total(), again.unchanged) == (0, 2)
    assert rows_of(database) == before


def test_all_problems_are_reported_by_line_and_nothing_is_applied(
    units: list[int], problems: Check
) -> None:
    a, b, c, d = units

    found = problems(
        "unit,decision,note\n"
        f"{a},accepted,\n"
        f"{b},acepted,\n"
        "none,rejected,why\n"
        "999999,accepted,\n"
        f"{c},rejected,\n"
        f"{a},accepted,\n"
        f"{d},accepted,a,b\n"
        f"{'9' * 5000},accepted\n"
    )

    assert found == [
        "3: 'acepted' is not a decision; did you mean 'accepted'?",
        "4: 'none' is not the number of a unit",
        "5: there is no unit 999999",
        f"6: unit {c} is rejected without a reason; write it into the column 'note'",
        f"7: unit {a} is in line 2 already",
        "8: has 4 cells for 3 columns",
        f"9: '{'9' * 5000}' is not the number of a unit",
    ]


def test_units_of_other_tasks_and_without_answers_are_problems(
    units: list[int], problems: Check, operator: ManualOperator, database: Database
) -> None:
    other = operator.launch_rows([{"n": 1}], task_name="other")
    GatewayWorker(other, "x").work()
    words = operator.launch_rows([{"n": 1}], task_name="words")
    with database.read() as tx:
        (foreign,) = tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.run == other.run_id))
        (open_one,) = tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.run == words.run_id))

    found = problems(f"unit,decision\n{foreign.id},accepted\n{open_one.id},accepted\n")

    assert found == [
        f"2: unit {foreign.id} belongs to run {other.run_id} of the task 'other'",
        f"3: unit {open_one.id} is launched: it has no answers to decide on",
    ]


def test_paid_work_cannot_be_rejected_by_a_file(
    units: list[int], apply: Apply, problems: Check
) -> None:
    apply(f"unit,decision\n{units[0]},accepted\n")

    found = problems(f"unit,decision,note\n{units[0]},rejected,{REASON}\n")

    assert found == [f"2: unit {units[0]} is already accepted, which can no longer change"]


def test_rejection_is_reversed_by_a_file(
    units: list[int], apply: Apply, database: Database
) -> None:
    apply(f"unit,decision,note\n{units[0]},rejected,{REASON}\n")

    applied = apply(f"unit,decision\n{units[0]},accepted\n")

    assert applied.decided == {Decision.ACCEPTED: 1}
    assert rows_of(database)[0][0] is UnitStatus.ACCEPTED


def test_reason_is_as_long_as_the_provider_requires(
    units: list[int], problems: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(shortest_rejection=10))

    found = problems(f"unit,decision,note\n{units[0]},rejected,short\n")

    assert found == ["2: the reason 'short' is too short: crowd requires at least 10 characters"]


def test_reason_is_no_longer_than_the_provider_allows(
    units: list[int], problems: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(longest_rejection=80))

    [found] = problems(f"unit,decision,note\n{units[0]},rejected,{'long ' * 20}\n")

    assert found.startswith("2: the reason 'long long")
    assert found.endswith("is too long: crowd allows at most 80 characters, and it has 99")


@pytest.mark.usefixtures("units")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: is empty: its first line must name the columns"),
        ("unit;decision\n1;accepted\n", "1: the separator looks like ';'"),
        ("unti,decision\n", "1: there is no column 'unit'; is 'unti' meant for it?"),
        ("id,verdict\n", "1: there is no column 'unit'; there are: id, verdict"),
        ('unit,decision\n"1,accepted\n', "2: opens a quote that is never closed"),
    ],
)
def test_file_of_another_shape_is_refused(problems: Check, text: str, problem: str) -> None:
    assert problems(text)[0].startswith(problem)


@pytest.mark.usefixtures("units")
def test_file_that_cannot_be_read_is_refused(
    session_of: Callable[..., ReviewSession], file: Path
) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_decisions(session_of(), file)
    file.write_bytes(b"unit,decision\n1,\xff\n")
    with pytest.raises(UsageError, match="is not UTF-8"):
        read_decisions(session_of(), file)


def test_byte_order_mark_empty_lines_and_other_columns_are_accepted(
    units: list[int], apply: Apply
) -> None:
    applied = apply(f"\ufeffworker,unit,decision\r\nx,{units[0]},accepted\r\n\r\n")

    assert applied.decided == {Decision.ACCEPTED: 1}


def test_unit_that_changes_after_the_check_is_refused_and_the_rest_applied(
    units: list[int],
    session_of: Callable[..., ReviewSession],
    file: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "_TOGETHER", 1)
    file.write_text(f"unit,decision\n{units[0]},accepted\n{units[1]},accepted\n")
    session = session_of()
    rows = read_decisions(session, file)
    database.write(lambda tx: decide(tx, units[0], Decision.REJECTED, note=REASON))

    applied = apply_decision_file(session, rows)

    (refused,) = applied.refused
    assert refused.startswith(f"line 2: unit {units[0]} is rejected since")
    assert rows_of(database)[0][:2] == ["rejected", "accepted"]
