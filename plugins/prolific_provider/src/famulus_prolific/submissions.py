"""Submissions as Prolific shows them: their status, and what was paid on top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from attrs import frozen

from famulus import UnavailableError
from famulus_prolific.api import ProlificApi

RESERVED, ACTIVE = "RESERVED", "ACTIVE"
AWAITING_REVIEW = "AWAITING REVIEW"
APPROVED, PARTIALLY_APPROVED, REJECTED = "APPROVED", "PARTIALLY APPROVED", "REJECTED"
SCREENED_OUT, RETURNED, TIMED_OUT = "SCREENED OUT", "RETURNED", "TIMED-OUT"


@frozen(kw_only=True)
class ReportedSubmission:
    """A submission, read from a list or singly: Prolific names its fields differently in each."""

    id: str
    participant: str
    status: str
    #: the completion code that was entered; empty if there is none
    code: str
    is_return_requested: bool
    #: the day, in UTC, on which it was handed in; None if that is not known
    completed_on: date | None = None
    #: amounts in the smallest unit of the currency; lists do not have them
    bonuses: Sequence[int] = ()


def read_submission(api: ProlificApi, submission: str) -> ReportedSubmission:
    """Return a submission with its bonuses; raise the errors of :meth:`ProlificApi.call`."""
    return _submission(api.get(f"submissions/{submission}/"))


def list_submissions(api: ProlificApi, study: str) -> Iterator[ReportedSubmission]:
    """Yield the submissions of a study; a page is read when its first item is needed."""
    for row in api.pages("submissions/", study=study):
        yield _submission(row)


def plain_status(given: Any) -> str:
    """Return a status in one spelling: the API separates words by spaces or by underscores."""
    words = str(given or "").upper().replace("_", " ").split()
    found = " ".join(words)
    return TIMED_OUT if found in ("TIMED OUT", TIMED_OUT) else found


def _submission(row: Mapping[str, Any]) -> ReportedSubmission:
    try:
        return ReportedSubmission(
            id=str(row["id"]),
            participant=str(row.get("participant_id") or row.get("participant") or ""),
            status=plain_status(row["status"]),
            code=str(row.get("study_code") or row.get("entered_code") or ""),
            is_return_requested=bool(row.get("return_requested")),
            completed_on=_day(row.get("completed_at")),
            bonuses=[round(float(each)) for each in row.get("bonus_payments") or ()],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnavailableError(f"Prolific's submission cannot be read: {error!r}") from error


def _day(given: Any) -> date | None:
    """Return the day of a time, which lists may show as DD/MM/YYYY; None for anything else."""
    text = str(given or "")
    for read in (datetime.fromisoformat, _day_first):
        try:
            moment = read(text)
        except ValueError:
            continue
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    return None


def _day_first(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC)
