"""A visit has the status of its submission, whatever happened on Prolific between two syncs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from famulus import VisitStatus
from famulus.model.states import Decision, UnitStatus
from famulus.model.tables import UnitTable, VisitTable
from famulus.operate.run_report import read_report
from famulus_prolific.fake import TOKEN, Submission, SubmissionStatus
from famulus_prolific.records import StudyRecords
from famulus_prolific.tokens import VARIABLE
from prolific_invariants import check_always, check_end
from prolific_machine import Setup, Study

pytestmark = pytest.mark.slow

_DAY = 24 * 3600
_S, _V = SubmissionStatus, VisitStatus

#: What may be done to a submission, by its status, and the status that this leads to.
MOVES: Mapping[SubmissionStatus, Mapping[str, SubmissionStatus]] = MappingProxyType(
    {
        _S.ACTIVE: {"wait": _S.TIMED_OUT, "hand in": _S.AWAITING_REVIEW},
        _S.TIMED_OUT: {"hand in": _S.AWAITING_REVIEW},
        _S.AWAITING_REVIEW: {
            "give back": _S.RETURNED,
            "APPROVE": _S.APPROVED,
            "REJECT": _S.REJECTED,
            "SCREEN_OUT": _S.SCREENED_OUT,
        },
        _S.RETURNED: {"UNRETURN": _S.AWAITING_REVIEW},
        _S.REJECTED: {"UNREJECT": _S.AWAITING_REVIEW},
        _S.APPROVED: {},
        _S.SCREENED_OUT: {},
    }
)
#: The status here of a visit, by that of its submission.
SHOWN: Mapping[SubmissionStatus, VisitStatus] = MappingProxyType(
    {
        _S.ACTIVE: _V.ACCEPTED,
        _S.TIMED_OUT: _V.TIMED_OUT,
        _S.AWAITING_REVIEW: _V.SUBMITTED,
        _S.RETURNED: _V.RETURNED,
        _S.APPROVED: _V.APPROVED,
        _S.REJECTED: _V.REJECTED,
        _S.SCREENED_OUT: _V.SCREENED_OUT,
    }
)


class Course(NamedTuple):
    """What happens before a sync, and between it and the next one."""

    before: Sequence[str]
    then: Sequence[str]


def ways(start: SubmissionStatus) -> Mapping[SubmissionStatus, Sequence[str]]:
    """Return the shortest way from a status to each one that can follow, perhaps to itself."""
    found: dict[SubmissionStatus, Sequence[str]] = {}
    waiting = deque[tuple[SubmissionStatus, tuple[str, ...]]]([(start, ())])
    while waiting:
        status, way = waiting.popleft()
        for move, after in MOVES[status].items():
            if after not in found:
                found[after] = longer = (*way, move)
                waiting.append((after, longer))
    return found


def courses() -> Iterator[Course]:
    """Yield a course for each pair of statuses of which the second can follow the first."""
    for status, before in {_S.ACTIVE: (), **ways(_S.ACTIVE)}.items():
        for then in ways(status).values():
            yield Course(before, then)


#: Only what was handed in before can be up for review after a return.
COURSES = [*courses(), Course((), ("give back",))]


@pytest.fixture
def launch(
    database_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Study]]:
    """A function that launches a run of two units; one with ``slots`` has an onboarding."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    facts = {"late_codes_accepted": True, "researchers_may_return": True}

    def launch(**setup: Any) -> Study:
        setup = {"facts": facts, **setup}
        study = stack.enter_context(
            closing(Study(tmp_path, Setup(**setup), address=database_address))
        )
        study.clock.advance(120)
        study.turn()
        return study

    with ExitStack() as stack:
        yield launch


def do(study: Study, submission: Submission, move: str) -> None:
    if move == "wait":
        study.clock.advance(_DAY)
    elif move == "hand in":
        study.work(submission)
        study.come_back(submission)
    elif move == "give back":
        study.give_back(submission)
    else:
        study.decide_there(submission, move)


def shown(study: Study) -> VisitStatus:
    with study.database.read() as tx:
        [row] = tx.rows(VisitTable.select(VisitTable.status))
    status: VisitStatus = row.status
    return status


@pytest.mark.parametrize("course", COURSES, ids=[" ".join((*a, "sync", *b)) for a, b in COURSES])
def test_a_visit_has_the_status_of_its_submission_after_each_sync(
    launch: Callable[..., Study], course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    study = launch(slots=1 if "SCREEN_OUT" in course.then else None)
    submission = study.take(1)
    assert submission is not None
    for moves in course:
        for move in moves:
            do(study, submission, move)
        study.sync()
        check_always(study)

        assert shown(study) is SHOWN[submission.status], submission.history

    assert "which cannot change to that" not in caplog.text
    study.finish()
    study.settle_down((900.0,) * 3)
    check_end(study)


def test_the_work_of_a_late_participant_who_gives_it_back_is_offered_again(
    launch: Callable[..., Study],
) -> None:
    """They timed out, came back, handed in late, and gave the submission back."""
    study = launch()
    submission = study.take(1)
    assert submission is not None
    do(study, submission, "wait")
    study.sync()
    assert shown(study) is VisitStatus.TIMED_OUT
    for move in ("hand in", "give back"):
        do(study, submission, move)
    study.sync()
    study.turn()

    assert shown(study) is VisitStatus.RETURNED
    with study.database.read() as tx:
        units = [row.status for row in tx.rows(UnitTable.select(UnitTable.status))]
    assert units == [UnitStatus.LAUNCHED] * 2


@pytest.mark.parametrize("syncs_between", [False, True])
def test_a_rejection_from_here_that_is_undone_at_once_is_followed_by_the_next_sync(
    launch: Callable[..., Study], syncs_between: bool
) -> None:
    """The numbers of submissions are as they were before, and the rejection is new."""
    study = launch()
    submission = study.take(1)
    assert submission is not None
    do(study, submission, "hand in")
    study.sync()
    study.turn()
    study.request_returns()
    study.turn()
    study.clock.advance(8 * _DAY)
    study.turn()
    study.reject("LOW_EFFORT")
    study.operator.managed(study.run).deliver()
    assert (submission.status, shown(study)) == (_S.REJECTED, _V.REJECTED)
    if syncs_between:
        study.turn()

    study.decide_there(submission, "UNREJECT")
    study.clock.advance(31)
    study.turn()

    assert shown(study) is _V.SUBMITTED
    study.review(Decision.ACCEPTED)
    study.settle_down((900.0,) * 3)
    assert submission.status is _S.APPROVED
    study.finish()
    study.settle_down((900.0,) * 3)
    check_end(study)


def test_status_shows_submissions_without_work_until_they_are_returned(
    launch: Callable[..., Study],
) -> None:
    study = launch()
    record = StudyRecords(database=study.database).find(study.run)
    assert record is not None
    found = [study.take(number) for number in (1, 2)]
    study.clock.advance(_DAY / 100)
    day = study.clock().date() + timedelta(days=21)
    for each in filter(None, found):
        study.enter(each, record.codes["not_qualified"])

    study.sync()
    expected = (
        f"2 submissions without work, not returned yet; Prolific pays the first from {day} on, and "
        f"`famulus doctor {study.run}` names them"
    )
    assert remarks(study) == [expected]

    study.finish()
    assert remarks(study) == [expected]
    for each in filter(None, found):
        study.give_back(each)
    study.sync()
    assert remarks(study) == []


def remarks(study: Study) -> list[str]:
    return [*read_report(study.database, study.run, plugins=study.plugins).remarks]
