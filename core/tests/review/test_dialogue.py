"""The dialogue of a review: keys, their exact effects, undoing, and being cut off."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from famulus.contracts.provider_views import Capabilities
from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.decisions import decide
from famulus.engine.qualifications.grants import grant
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import ReviewTable, WorkerTable
from famulus.plugins import Plugins
from famulus.review import review_session as session_module
from famulus.review.choices import Choice
from famulus.review.dialogue import Dialogue
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

DONE = "completed/completed"
ACCEPTED = "accepted/approved"
PASSED = "soft_rejected/soft_rejected"
REJECTED = "rejected/rejected"
REASON = "It is about another text."

Hold = Callable[..., str]
Statuses = Callable[[], dict[str, list[str]]]
Grants = Callable[[], dict[str, int]]


def notes(database: Database) -> list[str]:
    with database.read() as tx:
        return [
            row.note
            for row in tx.rows(ReviewTable.select(ReviewTable.note).order_by(ReviewTable.id))
        ]


def unapplied(database: Database) -> int:
    query = ReviewTable.select().where(
        ReviewTable.applied_at.is_null(), ReviewTable.undone_at.is_null()
    )
    with database.read() as tx:
        return len(tx.rows(query))


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(
    ("keys", "of_x", "granted"),
    [
        (["a"], [ACCEPTED, DONE], {}),
        (["A", "n"], [ACCEPTED, ACCEPTED], {}),
        (["A", "y"], [ACCEPTED, ACCEPTED], {"x: good": 1}),
        (["p", "no"], [PASSED, DONE], {}),
        (["p", "yes"], [PASSED, DONE], {"x: bad": 1}),
        (["P", "y"], [PASSED, PASSED], {"x: bad": 1}),
        (["r", REASON], [REJECTED, DONE], {}),
        (["R", REASON], [REJECTED, REJECTED], {}),
        (["v", "7"], [ACCEPTED, DONE], {"x: good": 7}),
        (["v", "many", "0"], [ACCEPTED, DONE], {"x: good": 0}),
        (["V", "-2"], [ACCEPTED, ACCEPTED], {"x: good": -2}),
    ],
    ids=lambda value: "".join(value)[:4] if isinstance(value, list) else None,
)
def test_keys_have_exactly_these_effects(
    review: Hold,
    statuses: Statuses,
    grants: Grants,
    keys: list[str],
    of_x: list[str],
    granted: dict[str, int],
) -> None:
    review(*keys, "q", block="bad", approve="good")

    assert statuses() == {"x": of_x, "y": [DONE, DONE]}
    assert grants() == granted


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("keys", [["a"], ["A"], ["p"], ["P"]])
def test_without_qualifications_nothing_is_asked_about_them(
    review: Hold, grants: Grants, keys: list[str]
) -> None:
    printed = review(*keys, "q")

    assert "(y)es/(n)o" not in printed
    assert grants() == {}


@pytest.mark.usefixtures("done")
def test_value_needs_an_approve_qualification(review: Hold, statuses: Statuses) -> None:
    printed = review("v", "q", block="bad")

    assert "No approve qualification is set, so no value can be granted." in printed
    assert statuses()["x"] == [DONE, DONE]


@pytest.mark.usefixtures("done")
def test_invalid_value_decides_nothing(review: Hold, statuses: Statuses, grants: Grants) -> None:
    printed = review("v", "9" * 30, "q", approve="good")

    assert "Not decided: value: takes a whole number" in printed
    assert (statuses()["x"], grants()) == ([DONE, DONE], {})


@pytest.mark.usefixtures("done")
def test_rejection_needs_a_reason_and_stores_it(
    review: Hold, database: Database, statuses: Statuses
) -> None:
    printed = review("r", "", "r", REASON, "q")

    assert "A rejection needs a reason." in printed
    assert notes(database) == [REASON]
    assert statuses()["x"] == [REJECTED, DONE]


@pytest.mark.usefixtures("done")
def test_reason_is_as_long_as_the_provider_requires(
    review: Hold, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(shortest_rejection=10))

    printed = review("r", "too short", REASON, "q")

    assert "crowd requires at least 10 characters." in printed
    assert notes(database) == [REASON]


@pytest.mark.usefixtures("done")
def test_reason_is_no_longer_than_the_provider_allows(
    review: Hold, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrowdProvider, "capabilities", Capabilities(longest_rejection=len(REASON)))

    printed = review("r", f"{REASON} And more.", REASON, "q")

    assert f"crowd allows at most {len(REASON)} characters, and it has" in printed
    assert notes(database) == [REASON]


@pytest.mark.usefixtures("done")
def test_missing_provider_prevents_rejections_only(
    session_of: Callable[..., ReviewSession], statuses: Statuses
) -> None:
    printed = io.StringIO()
    Dialogue(
        terminal=Terminal(io.StringIO("r\na\nq\n"), printed),
        session=session_of(Plugins()),
        formatter=lambda unit: f"<unit {unit.unit}>",
    ).run()

    assert "Not decided: there is no provider 'crowd'" in printed.getvalue()
    assert "Not everything was delivered: run" in printed.getvalue()
    assert statuses()["x"] == [ACCEPTED, DONE]


@pytest.mark.usefixtures("done")
def test_headers_count_units_done_and_left(review: Hold) -> None:
    printed = review("a", "a", "a", "a")

    assert [line for line in printed.splitlines() if line.startswith("Reviewing")] == [
        "Reviewing for worker x, (1/2), Previous (First time worker!) (total remaining: 4)",
        "Reviewing for worker x, (2/2), Previous (First time worker!) (total remaining: 3)",
        "Reviewing for worker y, (1/2), Previous (First time worker!) (total remaining: 2)",
        "Reviewing for worker y, (2/2), Previous (First time worker!) (total remaining: 1)",
    ]
    assert printed.endswith("All submitted units of words are reviewed.\n")


def test_statistics_count_earlier_decisions_in_all_runs_of_the_task(
    operator: ManualOperator, review: Hold
) -> None:
    first = operator.launch_rows([{"n": n} for n in range(4)], task_name="words")
    for _ in range(4):
        GatewayWorker(first, "x").work()
    review("a", "a", "p", "r", REASON)
    second = operator.launch_rows([{"n": 5}], task_name="words")
    GatewayWorker(second, "x").work()

    printed = review("q")

    assert "worker x, (1/1), Previous (2 | 2(1) / 4) (total remaining: 1)" in printed


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("key", ["?", "x", "", "AA", "e"])
def test_any_other_key_explains_the_keys(review: Hold, statuses: Statuses, key: str) -> None:
    printed = review(key, "q")

    assert "u  undo the last decision" in printed
    assert ("is not one of the keys" in printed) == (key not in {"?", ""})
    assert statuses()["x"] == [DONE, DONE]


@pytest.mark.usefixtures("done")
def test_decisions_are_applied_when_the_next_worker_is_decided_on_and_at_the_end(
    review: Hold,
) -> None:
    printed = review("a", "a", "a", "q")

    after_third = printed.split("worker y, (1/2)")[1]
    assert "Applied" not in printed.split("worker y, (1/2)")[0]
    assert after_third.index("Applied 2 decisions.") < after_third.index("worker y, (2/2)")
    assert "Applied 1 decision.\n1 unit of words is left to review." in printed


@pytest.mark.usefixtures("done")
def test_undo_goes_back_to_the_unit(review: Hold, statuses: Statuses, database: Database) -> None:
    printed = review("a", "u", "r", REASON, "q")

    assert printed.count("(1/2), Previous (First time worker!) (total remaining: 4)") == 2
    assert statuses()["x"] == [REJECTED, DONE]
    assert unapplied(database) == 0


@pytest.mark.usefixtures("done")
def test_undo_reaches_back_to_the_worker_before(review: Hold, statuses: Statuses) -> None:
    printed = review("a", "a", "u", "p", "q")

    assert printed.count("worker x, (2/2)") == 2
    assert statuses() == {"x": [ACCEPTED, PASSED], "y": [DONE, DONE]}


@pytest.mark.usefixtures("done")
def test_undo_of_a_capital_undoes_all_its_decisions(review: Hold, statuses: Statuses) -> None:
    printed = review("A", "u", "q")

    assert "Accepted 2 units of worker x." in printed
    assert "Undone: 2 decisions." in printed
    assert statuses()["x"] == [DONE, DONE]


@pytest.mark.usefixtures("done")
def test_decisions_cannot_be_undone_after_the_next_worker_was_decided_on(
    review: Hold, statuses: Statuses
) -> None:
    printed = review("a", "a", "s", "u", "q")

    assert "There is no decision to undo." in printed
    assert statuses() == {"x": [ACCEPTED, ACCEPTED], "y": [DONE, DONE]}


@pytest.mark.usefixtures("done")
def test_undo_revokes_the_grant(review: Hold, grants: Grants) -> None:
    review("v", "7", "u", "q", approve="good")

    assert grants() == {}


@pytest.mark.usefixtures("done")
def test_undo_restores_the_value_before(review: Hold, grants: Grants, database: Database) -> None:
    with database.read() as tx:
        (worker,) = tx.rows(WorkerTable.select(WorkerTable.id).where(WorkerTable.name == "x"))
    database.write(lambda tx: grant(tx, worker=worker.id, qualification="good", value=3))

    review("A", "y", "u", "q", approve="good")

    assert grants() == {"x: good": 3}


@pytest.mark.usefixtures("done")
def test_skipped_units_stay_up_for_review(review: Hold, statuses: Statuses) -> None:
    printed = review("s", "a", "s", "s")

    assert statuses() == {"x": [DONE, ACCEPTED], "y": [DONE, DONE]}
    assert "3 units of words are left to review." in printed


@pytest.mark.usefixtures("done")
def test_end_of_the_input_keeps_decisions_and_the_next_review_applies_them(
    review: Hold, database: Database, statuses: Statuses
) -> None:
    cut_off = review("a", "p")
    left = unapplied(database)
    after = review("q")

    assert "Interrupted: 2 decisions are kept, and the next review" in cut_off
    assert left == 2
    assert "Applied 2 decisions that an earlier review had left." in after
    assert unapplied(database) == 0
    assert statuses()["x"] == [ACCEPTED, PASSED]


@pytest.mark.usefixtures("done")
def test_input_that_is_not_text_ends_the_review(
    session_of: Callable[..., ReviewSession], statuses: Statuses
) -> None:
    source = io.TextIOWrapper(io.BytesIO(b"r\nJ\xfcrgen\na\na\n"), encoding="utf-8")
    printed = io.StringIO()
    dialogue = Dialogue(
        terminal=Terminal(source, printed),
        session=session_of(),
        formatter=lambda unit: f"<unit {unit.unit}>",
    )

    is_complete = dialogue.run()

    assert not is_complete
    assert "The input is not text in UTF-8." in printed.getvalue()
    assert statuses() == {"x": [DONE, DONE], "y": [DONE, DONE]}


class _Interrupted(io.StringIO):
    """A keyboard that sends Ctrl-C after the last line."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        line = super().readline(size)
        if not line:
            raise KeyboardInterrupt
        return line


@pytest.mark.usefixtures("done")
def test_interruption_keeps_decisions(
    session_of: Callable[..., ReviewSession], statuses: Statuses
) -> None:
    printed = io.StringIO()
    dialogue = Dialogue(
        terminal=Terminal(_Interrupted("a\n"), printed),
        session=session_of(),
        formatter=lambda unit: f"<unit {unit.unit}>",
    )

    is_complete = dialogue.run()

    assert not is_complete
    assert "Interrupted: 1 decision is kept" in printed.getvalue()
    assert statuses()["x"] == [ACCEPTED, DONE]


@pytest.mark.usefixtures("done")
def test_unit_decided_by_another_reviewer_is_refused_and_named(
    session_of: Callable[..., ReviewSession], statuses: Statuses, database: Database
) -> None:
    seen = []

    def show(unit: StoredAnswer) -> str:
        seen.append(unit.unit)
        if unit.worker == "x":
            database.write(lambda tx: decide(tx, unit.unit, Decision.REJECTED, note=REASON))
        return "shown"

    printed = io.StringIO()
    Dialogue(
        terminal=Terminal(io.StringIO("a\na\nq\n"), printed), session=session_of(), formatter=show
    ).run()

    refused = f"Not decided: unit {seen[0]} is rejected since 2030-01-01 12:00:00 UTC"
    assert refused in printed.getvalue()
    assert statuses() == {"x": [REJECTED, REJECTED], "y": [DONE, DONE]}


@pytest.mark.usefixtures("done")
def test_two_reviewers_take_turns_and_share_the_work(
    session_of: Callable[..., ReviewSession], statuses: Statuses
) -> None:
    one, other = session_of(), session_of()
    accept = Choice(decision=Decision.ACCEPTED)
    pass_ = Choice(decision=Decision.SOFT_REJECTED)
    group = one.next_group()
    assert group is not None
    first = one.next_unit(group.worker.id)
    assert first is not None
    other.decide(first, pass_)

    rest = one.decide_rest(first, accept)

    (refused,) = rest.refused
    assert refused.startswith(f"unit {first.unit} is soft_rejected since")
    assert len(rest.reviews) == 1
    assert statuses()["x"] == [PASSED, ACCEPTED]


def test_late_answers_are_not_up_for_review_when_the_unit_is_completed(
    operator: ManualOperator, review: Hold, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}], task_name="words")
    slow = GatewayWorker(gateway, "slow")
    page = slow.arrive()
    clock.advance(1801)
    operator.turn()
    GatewayWorker(gateway, "quick").work()
    slow.submit(page)

    printed = review("a")

    assert "worker quick, (1/1), Previous (First time worker!) (total remaining: 1)" in printed
    assert "slow" not in printed
    assert printed.endswith("All submitted units of words are reviewed.\n")


@pytest.mark.usefixtures("done")
def test_review_of_one_worker_shows_no_other(review: Hold, statuses: Statuses) -> None:
    printed = review("A", worker="y")

    assert "(total remaining: 2)" in printed
    assert statuses() == {"x": [DONE, DONE], "y": [ACCEPTED, ACCEPTED]}


@pytest.mark.usefixtures("done")
def test_accept_all_accepts_page_by_page(
    session_of: Callable[..., ReviewSession], statuses: Statuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_TOGETHER", 1)

    applied = session_of().accept_all()
    again = session_of().accept_all()

    assert (applied.decisions, again.decisions) == (4, 0)
    assert statuses() == {"x": [ACCEPTED, ACCEPTED], "y": [ACCEPTED, ACCEPTED]}


@pytest.mark.usefixtures("done")
def test_capitals_reach_over_pages(
    review: Hold, statuses: Statuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_TOGETHER", 1)

    review("P", "y", "q", block="bad")

    assert statuses() == {"x": [PASSED, PASSED], "y": [DONE, DONE]}


def test_empty_review_is_reported(operator: ManualOperator, review: Hold) -> None:
    operator.launch_rows([{"n": 1}], task_name="words")

    assert review() == "No unit of words is up for review.\n"


@pytest.mark.usefixtures("done")
def test_text_of_a_unit_cannot_steer_the_terminal(session_of: Callable[..., ReviewSession]) -> None:
    printed = io.StringIO()
    Dialogue(
        terminal=Terminal(io.StringIO("q\n"), printed),
        session=session_of(),
        formatter=lambda _: "\x1b[2Jgone\u202e\ud800",
    ).run()

    assert "\\x1b[2Jgone\\u202e\\ud800" in printed.getvalue()


class _Typed(io.StringIO):
    """Lines of a person at a terminal, which has no file descriptor here."""

    def isatty(self) -> bool:
        return True


def hold_typed(session: ReviewSession, *lines: str) -> tuple[bool, str]:
    """Hold the dialogue with a person; return whether it came to its end, and what it printed."""
    printed = io.StringIO()
    dialogue = Dialogue(
        terminal=Terminal(_Typed("".join(f"{line}\n" for line in lines)), printed),
        session=session,
        formatter=lambda unit: f"<unit {unit.unit}>",
    )
    return dialogue.run(), printed.getvalue()


@pytest.mark.usefixtures("done")
def test_decision_that_ends_the_review_can_be_undone(
    session_of: Callable[..., ReviewSession], statuses: Statuses, database: Database
) -> None:
    is_complete, printed = hold_typed(session_of(), "a", "a", "a", "a", "u", "p", "x", "")

    assert is_complete
    assert printed.count("worker y, (2/2)") == 2
    assert statuses()["y"] == [ACCEPTED, PASSED]
    assert unapplied(database) == 0


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("keys", [["a"], ["a", "a", "a", "a"]], ids=["first", "last"])
def test_end_of_the_input_at_any_question_leaves_decisions_unapplied(
    session_of: Callable[..., ReviewSession], database: Database, keys: list[str]
) -> None:
    is_complete, printed = hold_typed(session_of(), *keys)

    assert not is_complete
    assert unapplied(database) > 0
    assert "kept, and the next review of the task applies" in printed


@pytest.mark.usefixtures("done")
def test_review_ends_without_another_question_when_quit_or_nothing_is_undoable(
    session_of: Callable[..., ReviewSession],
) -> None:
    _, quitted = hold_typed(session_of(), "a", "q")
    _, skipped = hold_typed(session_of(), "s", "s", "s")

    assert "That was the last unit" not in quitted + skipped


@pytest.mark.usefixtures("done")
def test_lines_of_a_pipe_end_the_review_without_another_question(
    review: Hold, database: Database
) -> None:
    printed = review("a", "a", "a", "a")

    assert "That was the last unit" not in printed
    assert unapplied(database) == 0
