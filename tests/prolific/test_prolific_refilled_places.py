"""A participant who comes before the run knows why their place was free finds work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from famulus_prolific.fake import TOKEN, Fault, Submission, SubmissionStatus
from famulus_prolific.tokens import VARIABLE
from prolific_invariants import check_always, check_end
from prolific_machine import Setup, Study

pytestmark = pytest.mark.slow

_S = SubmissionStatus
_CALLS = ("get-submission", "get-submissions")


@pytest.fixture
def launch(
    database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Study]]:
    """A function that launches a run, whose participants come at the address that it reports."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def launch(**setup: Any) -> Study:
        study = stack.enter_context(
            closing(Study(tmp_path, Setup(**setup), address=database_address))
        )
        study.clock.advance(120)
        study.turn()
        return study

    with ExitStack() as stack:
        yield launch


def take(study: Study, number: int, *, works: bool = False) -> Submission:
    submission = study.take(number)
    assert submission is not None
    if works:
        study.work(submission)
        study.come_back(submission)
    return submission


def calls(study: Study) -> int:
    return sum(len(study.prolific.called(name)) for name in _CALLS)


@pytest.mark.parametrize("rows", [2, 5], ids=["one by one", "by the list"])
@pytest.mark.parametrize(
    ("works", "way"),
    [
        (True, _S.RETURNED),
        (True, _S.REJECTED),
        (False, _S.RETURNED),
        (False, _S.TIMED_OUT),
    ],
    ids=["returned submission", "rejected there", "returned task", "timed out"],
)
def test_next_participant_gets_the_work_of_one_who_has_left(
    launch: Callable[..., Study], rows: int, works: bool, way: SubmissionStatus
) -> None:
    study = launch(rows=rows)
    gone = take(study, 1, works=works)
    study.clock.advance(1700 if way is _S.TIMED_OUT else 0)
    others = [take(study, number) for number in range(2, rows + 1)]
    study.sync()
    study.turn()
    if way is _S.TIMED_OUT:
        study.clock.advance(1000)
    elif way is _S.RETURNED:
        study.give_back(gone)
    else:
        study.decide_there(gone, "REJECT")
    with study.prolific.turn():
        assert gone.status is way

    came = take(study, 9)

    assert study.pages[came.id].has_form, [each.status for each in (gone, *others)]
    check_always(study)
    study.work(came)
    study.come_back(came)
    study.finish()
    study.settle_down((900.0,) * 3)
    assert came.status is _S.APPROVED
    check_end(study)


def test_participant_for_whom_there_is_nothing_costs_few_calls_however_often_they_reload(
    launch: Callable[..., Study],
) -> None:
    study = launch(rows=1)
    take(study, 1)
    with study.prolific.turn() as state:
        (there,) = (one for one in state.studies.values() if one.published_at)
        there.places += 1
    extra = take(study, 2)
    assert study.pages[extra.id].status == 403
    before = calls(study)

    for _ in range(5):
        assert study.open(extra).status == 403  # type: ignore[union-attr]

    assert calls(study) == before


def test_participant_is_asked_to_try_again_while_prolific_does_not_answer(
    launch: Callable[..., Study],
) -> None:
    study = launch(rows=1, secure_urls=True)
    gone = take(study, 1)
    study.give_back(gone)
    study.prolific.faults.plan(Fault.FAIL, "get-submission", times=2)

    came = take(study, 2)
    assert study.pages[came.id].status == 503
    study.open(came)
    assert study.pages[came.id].status == 503
    study.open(came)
    assert study.pages[came.id].has_form


def test_server_that_cannot_read_the_token_refuses_the_participant(
    launch: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = launch(rows=1, secure_urls=True)
    gone = take(study, 1)
    study.give_back(gone)
    monkeypatch.delenv(VARIABLE)

    came = take(study, 2)

    assert study.pages[came.id].status == 403
