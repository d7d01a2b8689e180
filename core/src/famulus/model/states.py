"""All statuses, and which may follow which: enums and pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from famulus.errors import IllegalTransitionError


class RunStatus(StrEnum):
    """The status of a run. A stopped run can be resumed; a finished one is final."""

    LAUNCHING = "launching"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"


class UnitStatus(StrEnum):
    """The status of a unit. ``created`` waits for the run's window, ``launched`` for a worker."""

    CREATED = "created"
    LAUNCHED = "launched"
    ASSIGNED = "assigned"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    SOFT_REJECTED = "soft_rejected"
    REJECTED = "rejected"
    EXPIRED = "expired"


class AgentStatus(StrEnum):
    """The status of one worker's attempt at one unit, or at the onboarding.

    The answers of a ``withdrawn`` attempt are kept but do not count: its worker has returned the
    visit after submitting it.
    """

    ONBOARDING = "onboarding"
    IN_TASK = "in_task"
    COMPLETED = "completed"
    APPROVED = "approved"
    SOFT_REJECTED = "soft_rejected"
    REJECTED = "rejected"
    RETURNED = "returned"
    TIMEOUT = "timeout"
    DISCONNECT = "disconnect"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class VisitStatus(StrEnum):
    """The status of a visit on the platform; ``unknown`` when a report is overdue.

    A visit that is ``screened_out`` was ended as unsuitable; the platform may have paid for it.
    """

    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    TIMED_OUT = "timed_out"
    SCREENED_OUT = "screened_out"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    #: shorter than its name: columns of statuses hold 16 characters
    PARTIALLY_APPROVED = "partly_approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class PaymentStatus(StrEnum):
    """The status of a payment. ``unknown`` is settled by asking, never by paying again.

    ``owed`` payments are made by the requester outside of the platform, because the provider does
    not pay: no platform is called for them.
    """

    PLANNED = "planned"
    OWED = "owed"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PaymentKind(StrEnum):
    """The purpose of a payment."""

    REWARD = "reward"
    BONUS = "bonus"
    COMPENSATION = "compensation"


class Decision(StrEnum):
    """A reviewer's decision on one unit.

    After ``return_requested`` the unit is still up for review: its worker was asked to return the
    visit.
    """

    ACCEPTED = "accepted"
    SOFT_REJECTED = "soft_rejected"
    REJECTED = "rejected"
    RETURN_REQUESTED = "return_requested"


class OutboxStatus(StrEnum):
    """The status of an outbox row; ``pending`` rows have to be delivered to the platform."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class LoadingStatus(StrEnum):
    """Whether a run's data has been loaded into the database."""

    LOADING = "loading"
    COMPLETE = "complete"
    FAILED = "failed"


Status = TypeVar("Status", RunStatus, UnitStatus, AgentStatus, VisitStatus, PaymentStatus)

_R, _U, _A, _V, _P = RunStatus, UnitStatus, AgentStatus, VisitStatus, PaymentStatus

RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = MappingProxyType(
    {
        _R.LAUNCHING: frozenset({_R.RUNNING, _R.STOPPING, _R.STOPPED, _R.FAILED}),
        _R.RUNNING: frozenset({_R.STOPPING, _R.STOPPED, _R.FINISHED}),
        _R.STOPPING: frozenset({_R.STOPPED, _R.RUNNING, _R.FINISHED}),
        _R.STOPPED: frozenset({_R.LAUNCHING, _R.RUNNING, _R.FINISHED}),
        _R.FINISHED: frozenset(),
        _R.FAILED: frozenset(),
    }
)

#: Of a unit whose worker has withdrawn the answers: to be done again, unless the run is over.
_FREED = frozenset({_U.CREATED, _U.EXPIRED})

UNIT_TRANSITIONS: Mapping[UnitStatus, frozenset[UnitStatus]] = MappingProxyType(
    {
        _U.CREATED: frozenset({_U.LAUNCHED, _U.COMPLETED, _U.EXPIRED}),
        _U.LAUNCHED: frozenset({_U.CREATED, _U.ASSIGNED, _U.COMPLETED, _U.EXPIRED}),
        _U.ASSIGNED: frozenset({_U.LAUNCHED, _U.COMPLETED, _U.EXPIRED}),
        _U.COMPLETED: frozenset({_U.ACCEPTED, _U.SOFT_REJECTED, _U.REJECTED}) | _FREED,
        _U.ACCEPTED: frozenset({_U.COMPLETED, _U.SOFT_REJECTED, _U.REJECTED}) | _FREED,
        _U.SOFT_REJECTED: frozenset({_U.COMPLETED, _U.ACCEPTED, _U.REJECTED}) | _FREED,
        _U.REJECTED: frozenset({_U.COMPLETED, _U.ACCEPTED, _U.SOFT_REJECTED}) | _FREED,
        # A replacement that was no longer wanted is offered again.
        _U.EXPIRED: frozenset({_U.CREATED, _U.COMPLETED}),
    }
)

AGENT_TRANSITIONS: Mapping[AgentStatus, frozenset[AgentStatus]] = MappingProxyType(
    {
        _A.ONBOARDING: frozenset({_A.APPROVED, _A.REJECTED, _A.RETURNED, _A.TIMEOUT, _A.EXPIRED}),
        _A.IN_TASK: frozenset(
            {
                _A.COMPLETED,
                _A.RETURNED,
                _A.TIMEOUT,
                _A.DISCONNECT,
                _A.EXPIRED,
            }
        ),
        _A.COMPLETED: frozenset({_A.APPROVED, _A.SOFT_REJECTED, _A.REJECTED, _A.WITHDRAWN}),
        _A.APPROVED: frozenset({_A.COMPLETED, _A.SOFT_REJECTED, _A.REJECTED, _A.WITHDRAWN}),
        _A.SOFT_REJECTED: frozenset({_A.COMPLETED, _A.APPROVED, _A.REJECTED, _A.WITHDRAWN}),
        _A.REJECTED: frozenset({_A.COMPLETED, _A.APPROVED, _A.SOFT_REJECTED, _A.WITHDRAWN}),
        _A.RETURNED: frozenset({_A.COMPLETED}),
        _A.TIMEOUT: frozenset({_A.COMPLETED, _A.APPROVED, _A.REJECTED}),
        _A.DISCONNECT: frozenset({_A.COMPLETED}),
        _A.EXPIRED: frozenset({_A.COMPLETED}),
        _A.WITHDRAWN: frozenset({_A.COMPLETED}),
    }
)

#: What may become of a submission. A platform reports only the last of several changes.
_VERDICTS = frozenset({_V.APPROVED, _V.PARTIALLY_APPROVED, _V.REJECTED, _V.SCREENED_OUT})
#: What a platform may report of a visit that had ended without a submission: there is one now.
_LATE_ENDS = _VERDICTS | {_V.SUBMITTED}
_VISIT_ENDS = _LATE_ENDS | {_V.RETURNED, _V.TIMED_OUT, _V.EXPIRED, _V.UNKNOWN}

VISIT_TRANSITIONS: Mapping[VisitStatus, frozenset[VisitStatus]] = MappingProxyType(
    {
        _V.ARRIVED: _VISIT_ENDS | {_V.ACCEPTED},
        _V.ACCEPTED: _VISIT_ENDS,
        _V.RETURNED: _LATE_ENDS,
        # A late submission can be returned before the platform is asked again.
        _V.TIMED_OUT: _LATE_ENDS | {_V.RETURNED},
        _V.EXPIRED: _LATE_ENDS | {_V.RETURNED},
        _V.SCREENED_OUT: frozenset(),
        _V.SUBMITTED: _VERDICTS | {_V.RETURNED},
        _V.APPROVED: frozenset({_V.REJECTED}),
        _V.PARTIALLY_APPROVED: frozenset(),
        # A rejection can be undone on the platform: the visit awaits a verdict again.
        _V.REJECTED: (_LATE_ENDS | {_V.RETURNED}) - {_V.REJECTED},
        _V.UNKNOWN: _VISIT_ENDS - {_V.UNKNOWN},
    }
)

#: A payment whose call had no effect is planned again; one with an unknown outcome never is.
PAYMENT_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = MappingProxyType(
    {
        _P.PLANNED: frozenset({_P.SENT, _P.CONFIRMED, _P.FAILED}),
        _P.SENT: frozenset({_P.PLANNED, _P.CONFIRMED, _P.FAILED, _P.UNKNOWN}),
        _P.UNKNOWN: frozenset({_P.CONFIRMED, _P.FAILED}),
        _P.OWED: frozenset({_P.CONFIRMED, _P.FAILED}),
        _P.FAILED: frozenset({_P.PLANNED, _P.OWED, _P.CONFIRMED}),
        _P.CONFIRMED: frozenset(),
    }
)

#: Visits that are open on the platform; at most one per run, reference and worker.
OPEN_VISITS = (VisitStatus.ARRIVED, VisitStatus.ACCEPTED)
#: Runs that admit workers, or will.
OPEN_RUNS = (RunStatus.LAUNCHING, RunStatus.RUNNING)
#: Runs that an operator has to work on.
LIVE_RUNS = (RunStatus.LAUNCHING, RunStatus.RUNNING, RunStatus.STOPPING)
#: Runs that are over for good.
ENDED_RUNS = (RunStatus.FINISHED, RunStatus.FAILED)
#: Units that a finished run still has to expire.
OPEN_UNITS = (UnitStatus.CREATED, UnitStatus.LAUNCHED, UnitStatus.ASSIGNED)
#: Units whose answers count towards ``maximum_units_per_worker``.
DONE_UNITS = (
    UnitStatus.COMPLETED,
    UnitStatus.ACCEPTED,
    UnitStatus.SOFT_REJECTED,
    UnitStatus.REJECTED,
)
#: Units that no worker can get.
ENDED_UNITS = (*DONE_UNITS, UnitStatus.EXPIRED)
#: Visits that are not open on the platform.
ENDED_VISITS = tuple(status for status in VisitStatus if status not in OPEN_VISITS)
#: Visits whose end is still to come: the platform is asked about these.
PENDING_VISITS = (*OPEN_VISITS, VisitStatus.SUBMITTED, VisitStatus.UNKNOWN)
#: Visits with a submission on the platform.
SUBMITTED_VISITS = (
    VisitStatus.SUBMITTED,
    VisitStatus.APPROVED,
    VisitStatus.PARTIALLY_APPROVED,
    VisitStatus.REJECTED,
)
#: Visits that ended without a submission, or were returned after it: the platform pays nothing.
UNSUBMITTED_VISITS = (VisitStatus.RETURNED, VisitStatus.TIMED_OUT, VisitStatus.EXPIRED)
#: Visits that the platform pays for.
PAID_VISITS = (VisitStatus.APPROVED, VisitStatus.PARTIALLY_APPROVED, VisitStatus.SCREENED_OUT)
#: Payments without a final outcome that a platform makes.
OPEN_PAYMENTS = (PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)
#: Payments that a worker has still to get, by whichever way.
DUE_PAYMENTS = (*OPEN_PAYMENTS, PaymentStatus.OWED)
#: Attempts that are under way.
OPEN_AGENTS = (AgentStatus.ONBOARDING, AgentStatus.IN_TASK)


_ALL: Mapping[type[StrEnum], Mapping[Any, frozenset[Any]]] = MappingProxyType(
    {
        RunStatus: RUN_TRANSITIONS,
        UnitStatus: UNIT_TRANSITIONS,
        AgentStatus: AGENT_TRANSITIONS,
        VisitStatus: VISIT_TRANSITIONS,
        PaymentStatus: PAYMENT_TRANSITIONS,
    }
)


def may_follow(current: Status, new: Status) -> bool:
    """Return whether ``new`` may follow ``current``. A status never follows itself."""
    return new in _ALL[type(current)][current]


def sources(new: Status) -> tuple[Status, ...]:
    """Return every status that ``new`` may follow, for the condition of an update."""
    return tuple(current for current, after in _ALL[type(new)].items() if new in after)


def check_transition(current: Status, new: Status, what: str) -> None:
    """Raise :class:`~famulus.errors.IllegalTransitionError` unless ``new`` may follow ``current``.

    :param what: the thing by name and number, for the message: ``unit 12``.
    """
    if not may_follow(current, new):
        raise IllegalTransitionError(f"{what} is {current.value} and cannot become {new.value}")
