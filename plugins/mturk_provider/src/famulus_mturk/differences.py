"""The differences between MTurk and the local records, one sentence each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from famulus_mturk.annotations import listed_hits
from famulus_mturk.calls import Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning

if TYPE_CHECKING:
    from famulus import RunView, VisitView
    from famulus_mturk.records import HitRecords


def differences(
    mturk: Mturk, records: HitRecords, run: RunView, visits: Sequence[VisitView]
) -> Iterator[str]:
    """Yield the differences. Makes a call per hundred HITs of the account, and one per visit.

    :param visits: the visits with stored answers that are not decided on MTurk yet.
    """
    yield from _of_hits(mturk, records, run)
    rows = records.by_assignment(run.id, [visit.reference for visit in visits])
    for visit in visits:
        row = rows.get(visit.reference)
        if row is not None and row.worker_name == visit.worker_name:
            yield from _of_submission(mturk, row, visit)


def _of_hits(mturk: Mturk, records: HitRecords, run: RunView) -> Iterator[str]:
    listed = {hit["HITId"]: hit for hit in listed_hits(mturk, run)}
    rows = {row.hit_id: row for row in records.left(run.id)}
    for hit, found in listed.items():
        is_open = found["HITStatus"] == "Assignable"
        if hit not in rows:
            ending = "; expire it on MTurk" if is_open else ""
            yield f"HIT {hit} is on MTurk but not recorded here{ending}"
        elif rows[hit].closed and is_open:
            yield f"HIT {hit} can still be accepted on MTurk but is closed here; expire it there"
    for hit, row in rows.items():
        if hit not in listed:
            loss = ", and its work cannot be decided there any more" if row.approved_at else ""
            yield f"HIT {hit} of place {row.place} is not on MTurk any more{loss}"


def _of_submission(mturk: Mturk, row: Any, visit: VisitView) -> Iterator[str]:
    status = _status(mturk, visit.reference)
    if status is None:
        yield (
            f"the submission {visit.reference} of {visit.worker_name} is not on MTurk any more: "
            "its reward cannot be paid there"
        )
    elif status != "Submitted" and row.approved_at is not None:
        yield (
            f"{visit.reference} of {visit.worker_name} is {status.lower()} on MTurk, but not "
            "decided here; the same decision here has no effect there"
        )


def _status(mturk: Mturk, assignment: str) -> str | None:
    try:
        answer: Mapping[str, Any] = mturk.call("get_assignment", AssignmentId=assignment)
    except MTurkRefusedError as error:
        if error.meaning is not Meaning.MISSING:
            raise
        return None
    return str(answer["Assignment"]["AssignmentStatus"])
