"""What is not known of Prolific is a switch of its fake: one run passes in every position."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from famulus.model.states import Decision
from famulus_prolific.fake import TOKEN, Facts, Fault, Submission, SubmissionStatus
from famulus_prolific.tokens import VARIABLE
from prolific_invariants import check_always, check_end
from prolific_machine import FAILED, SCREENED_OUT, Setup, Study
from prolific_switches import POSITIONS, each_position

pytestmark = pytest.mark.slow

DAY = 86_400
_DEFAULTS = attrs.asdict(Facts())
OTHERS = [(name, value) for name, value in each_position() if value != _DEFAULTS[name]]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Study]]:
    """A function that launches a run of five units."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    launched: list[Study] = []

    def launch(**setup: Any) -> Study:
        launched.append(Study(tmp_path, Setup(rows=5, slots=1, secure_urls=True, **setup)))
        return launched[-1]

    yield launch
    for study in launched:
        study.close()


def step(study: Study, seconds: float = 30) -> None:
    """Let time pass; the events of Prolific arrive, twice and in the wrong order."""
    study.clock.advance(seconds)
    study.deliver(copies=2, newest_first=True)
    study.turn()
    check_always(study)


def take(study: Study, number: int) -> Submission:
    found = study.take(number)
    assert found is not None, f"participant {number} finds no place"
    return found


def work(study: Study, number: int) -> Submission:
    """Have a participant do a unit and hand in."""
    found = take(study, number)
    study.work(found)
    study.come_back(found)
    step(study)
    return found


def leave(study: Study, number: int, answer: str) -> Submission:
    """Have a participant leave after the onboarding."""
    found = take(study, number)
    study.answer(found, answer)
    study.come_back(found)
    step(study)
    return found


def play(study: Study) -> dict[str, Submission]:
    """Have participants leave in all ways, and the requester decide on all of them."""
    step(study, 120)
    found = {
        "paid": work(study, 1),
        "screened out": leave(study, 2, SCREENED_OUT),
        "screened out later": leave(study, 3, SCREENED_OUT),
        "failed": leave(study, 4, FAILED),
    }
    found["returned"] = work(study, 5)
    study.give_back(found["returned"])
    step(study)
    study.review(Decision.ACCEPTED)
    study.plan_fault(Fault.LOSE_REPLY, "pay-bonus-payments")
    step(study, 200)
    study.give_bonus("0.10")
    study.give_bonus("0.25")
    step(study)
    found["rejected"], found["rejected too"] = work(study, 6), work(study, 7)
    study.request_returns()
    step(study)
    study.reject("LOW_EFFORT")
    assert found["rejected"].status is SubmissionStatus.AWAITING_REVIEW, "rejected too early"
    step(study, 8 * DAY)
    study.reject("LOW_EFFORT")
    step(study)
    found["returned there"] = work(study, 8)
    study.decide_there(found["returned there"], "RETURN")
    study.write("Thank you.")
    step(study)
    study.finish()
    study.settle_down()
    check_end(study)
    return found


def bonuses(study: Study, submission: Submission) -> list[int]:
    with study.prolific.turn() as state:
        return [
            one.amount
            for one in state.money.ledger
            if one.submission_id == submission.id and one.bulk_id
        ]


def check_ends(study: Study, found: dict[str, Submission]) -> None:
    """Check what became of each submission, which depends on the switches that are about it."""
    facts, done = study.prolific.facts, SubmissionStatus
    ends = {name: one.status for name, one in found.items()}
    kept = done.RETURNED if facts.return_codes_return else done.AWAITING_REVIEW
    rejected = [one for one in ("rejected", "rejected too") if ends[one] is done.REJECTED]

    assert (ends["paid"], ends["returned"]) == (done.APPROVED, done.RETURNED)
    assert (ends["screened out"], ends["screened out later"]) == (done.SCREENED_OUT,) * 2
    assert ends["failed"] is kept
    assert len(rejected) == (2 if facts.most_rejections is None else facts.most_rejections)
    there = done.RETURNED if facts.researchers_may_return else done.APPROVED
    assert ends["returned there"] is there
    assert sorted(bonuses(study, found["paid"])) == [10, 25]


def test_every_switch_has_positions_to_try() -> None:
    assert POSITIONS.keys() == _DEFAULTS.keys()
    assert all(_DEFAULTS[name] in positions for name, positions in POSITIONS.items())


def test_a_run_passes_as_prolific_probably_is(launch: Callable[..., Study]) -> None:
    study = launch()

    check_ends(study, play(study))


@pytest.mark.parametrize(
    ("name", "position"), OTHERS, ids=[f"{name}={value}" for name, value in OTHERS]
)
def test_a_run_passes_where_prolific_is_otherwise(
    launch: Callable[..., Study], name: str, position: Any
) -> None:
    # A feature that is missing is what this switch is about.
    missing = frozenset({"webhooks"} if name == "no_feature" else ())
    study = launch(facts={name: position}, missing=missing)

    check_ends(study, play(study))
