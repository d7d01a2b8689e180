"""The differences between Prolific and the local records, one sentence each with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from famulus_prolific import submissions
from famulus_prolific.api import ProlificApi, ProlificRefusedError
from famulus_prolific.filters import GROUP_ALLOW, GROUP_BLOCK
from famulus_prolific.groups import is_deleted
from famulus_prolific.rejections import paid_when
from famulus_prolific.studies import NOT_STOPPED, OPEN
from famulus_prolific.submissions import ReportedSubmission, list_submissions, plain_status
from famulus_prolific.sync import is_without_work

if TYPE_CHECKING:
    from famulus import VisitView
    from famulus_prolific.hooks import Hooks
    from famulus_prolific.records import StudyRecord

_DECIDED: Mapping[str, str] = {
    submissions.APPROVED: "approved",
    submissions.PARTIALLY_APPROVED: "partially approved",
    submissions.REJECTED: "rejected",
    submissions.SCREENED_OUT: "screened out",
}


def differences(
    api: ProlificApi,
    hooks: Callable[[], Hooks],
    record: StudyRecord | None,
    visits: Sequence[VisitView],
) -> Iterator[str]:
    """Yield the differences of a run. Reads the list of its study's submissions once.

    :param record: the record of the run's study; None if the run has no study.
    :param visits: the visits with stored answers that are not decided on Prolific yet.
    """
    if record is None or record.study_id is None:
        return
    try:
        study = api.get(f"studies/{record.study_id}/")
    except ProlificRefusedError as error:
        if not error.is_missing:
            raise
        yield f"the study {record.study_id} is not on Prolific any more, so nothing can be paid"
        return
    status = plain_status(study["status"])
    if record.is_paused and status in (NOT_STOPPED if record.is_ended else OPEN):
        why, does = _reason(record)
        yield (
            f"the study {record.study_id} is {status.lower()} on Prolific, and {why}: "
            f"`famulus sync {record.run_id}` {does} it"
        )
    if record.is_stopped:
        yield from hooks().left_over(record.run_id)
    listed = {each.id: each for each in list_submissions(api, record.study_id)}
    for visit in visits:
        yield from _of_visit(visit, listed.get(visit.reference))
    yield from _without_work(record, listed.values())
    # Last, so that the other differences are named even if a group cannot be looked up.
    if status in OPEN and not record.is_ended:
        yield from _deleted_groups(api, study, record.run_id)


def _without_work(record: StudyRecord, listed: Iterable[ReportedSubmission]) -> Iterator[str]:
    """Yield what to do about submissions without work, and a short sentence for each."""
    found = [each for each in listed if is_without_work(each, record.codes)]
    if not found:
        return
    number = "1 submission" if len(found) == 1 else f"{len(found):,} submissions"
    yield (
        f"{number} handed in without work, and not returned as asked; what is not returned or "
        f"rejected on Prolific is paid: `famulus prolific message {record.run_id} PARTICIPANT "
        '--text "…"` reminds a participant'
    )
    for each in sorted(found, key=lambda one: (one.completed_on or date.max, one.participant)):
        # Short enough for one line of a terminal.
        yield f"no work from {each.participant}, paid {paid_when(each.completed_on)}"


def _deleted_groups(api: ProlificApi, study: Mapping[str, Any], run: int) -> Iterator[str]:
    """Yield a sentence for each deleted group by which a study selects its participants."""
    for each in study.get("filters") or ():
        if each.get("filter_id") not in (GROUP_ALLOW, GROUP_BLOCK):
            continue
        for group in each.get("selected_values") or ():
            if is_deleted(api, group):
                yield (
                    f"the participant group {group}, by which the study {study['id']} selects its "
                    "participants, was deleted on Prolific; the group of a published study cannot "
                    f"be changed: `famulus finish {run}`, and launch a new run, which gets "
                    "another group with the same members"
                )


def _reason(record: StudyRecord) -> tuple[str, str]:
    """Return why a study must offer no place, and what a sync does if it offers some."""
    if record.is_ended:
        return "the run is finished", "stops"
    return "the run is stopped" if record.is_stopped else "no unit is free", "pauses"


def _of_visit(visit: VisitView, found: ReportedSubmission | None) -> Iterator[str]:
    name = f"the submission {visit.reference} of {visit.worker_name}"
    if found is None:
        yield f"{name} is not on Prolific, so its reward cannot be paid there"
    elif found.participant != visit.worker_name:
        yield f"{name} is of {found.participant} on Prolific: do not pay for it"
    elif found.status in _DECIDED:
        yield (
            f"{name} is {_DECIDED[found.status]} on Prolific, but not decided here; `famulus sync` "
            "reads it"
        )
