"""The names that somebody arrives with, or is reported with, before anything is looked up."""

from __future__ import annotations

from attrs import evolve

from famulus.contracts.provider import Arrival, VisitReport
from famulus.contracts.views import Refusal, RefusalReason
from famulus.names import is_placeholder, name_fault, stripped

_NOT_FILLED_IN = (
    "The page that sent you here has left out who you are, so your work could not be told from"
    " that of others. If it does not work the next time either, please tell whoever runs the task."
)


def named_arrival(who: Arrival) -> Arrival | Refusal:
    """Return an arrival with its names as they are stored, or why they cannot be."""
    names = {"worker_name": stripped(who.worker_name), "reference": stripped(who.reference)}
    if who.place:
        names["place"] = stripped(who.place)
    for what, name in names.items():
        if name_fault(name) is not None:
            return Refusal(reason=RefusalReason.UNKNOWN_LINK)
        if is_placeholder(name):
            return Refusal(
                reason=RefusalReason.UNKNOWN_LINK,
                detail=_NOT_FILLED_IN,
                note=f"a page or script did not fill in the {what.replace('_', ' ')}",
            )
    if all(getattr(who, name) == value for name, value in names.items()):
        return who
    return evolve(who, **names)


def named_report(report: VisitReport) -> VisitReport | None:
    """Return a report with its names as they are stored; None where they cannot be."""
    worker, reference = stripped(report.worker_name), stripped(report.reference)
    if name_fault(worker) is not None or name_fault(reference) is not None:
        return None
    return evolve(report, worker_name=worker, reference=reference)
