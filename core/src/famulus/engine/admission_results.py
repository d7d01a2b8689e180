"""The results of an arrival: a unit, the onboarding, stored work or a refusal."""

from __future__ import annotations

from attrs import define, frozen

from famulus.contracts.views import Refusal
from famulus.engine.worker_progress import UnitNumber


@define(kw_only=True)
class AssignedUnit:
    """The worker has a unit: a new one, or the same as before a reload."""

    agent: int
    #: that of the attempt; None for one of before there were any
    nonce: int | None
    #: in microseconds since 1970
    started_at: int
    worker: int
    visit: int
    #: of the visit
    accept: str
    unit: int
    assignment: int
    index: int
    #: the row of the assignment, as JSON text
    data: str
    #: in microseconds since 1970
    deadline: int
    #: None for a unit that the worker had before this arrival
    number: UnitNumber | None = None


@frozen(kw_only=True)
class OpenOnboarding:
    """The worker has to pass the onboarding first."""

    agent: int
    #: as of :class:`AssignedUnit`
    nonce: int | None
    worker: int
    visit: int
    #: in microseconds since 1970
    deadline: int


@frozen(kw_only=True)
class AlreadySubmitted:
    """The work of this visit is stored already."""

    visit: int


AdmissionResult = AssignedUnit | OpenOnboarding | AlreadySubmitted | Refusal
