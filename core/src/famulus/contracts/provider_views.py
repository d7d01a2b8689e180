"""The types that core and providers exchange: runs, visits, verdicts, payments, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import Factory, field, frozen
from attrs.validators import instance_of

from famulus.contracts.plan import Plan
from famulus.contracts.visit_verdict import Verdict
from famulus.errors import RefusedError, UnavailableError
from famulus.model.states import PaymentKind, VisitStatus


@frozen(kw_only=True)
class PartialBounds:
    """The shares of a visit's reward that a platform can approve, such as ``Decimal("0.08")``."""

    smallest: Decimal
    #: itself included, as ``smallest`` is
    largest: Decimal


@frozen(kw_only=True)
class Capabilities:
    """The features and requirements of a platform."""

    #: workers' pay and platform state are not real
    sandbox: bool = False
    #: rewards and bonuses are paid through the platform; without it the requester owes them and
    #: pays outside, and ``task.task_reward`` may be left out
    pays: bool = False
    #: qualifications exist on the platform too
    qualifications: bool = False
    #: the platform only shows pages served over HTTPS
    needs_https: bool = False
    #: places have to be opened and closed on the platform
    sells_places: bool = False
    #: paused places that were not taken are offered again after the next ``set_places``; otherwise
    #: they are gone
    keeps_paused_places: bool = False
    #: the platform offers the place of a rejected visit again without being asked, as it does after
    #: every visit that was returned: the place does not count as used, and rejected work is offered
    #: to the next worker unless the run is over
    replaces_by_itself: bool = False
    #: a worker can have one visit of a run, so that no next unit is offered to them; which workers
    #: come is the platform's affair, and ``maximum_units_per_worker`` limits their units here
    one_visit_per_worker: bool = False
    #: the platform reports when a visit was submitted; otherwise it counts as submitted once the
    #: answers are stored
    reports_submissions: bool = False
    #: the platform sends a request when something changes (:meth:`Provider.receive`), and a sync
    #: follows; only with ``reports_submissions``
    receives: bool = False
    #: the most requirements on qualifications that a run can have there; None for any number
    most_requirements: int | None = None
    #: the fewest characters that a rejection's reason needs
    shortest_rejection: int = 0
    #: the most characters of a rejection's reason; None for any number. The reasons for several
    #: units of one visit are cut to it together.
    longest_rejection: int | None = None
    #: the platform's categories of rejections: a sentence on each, by its name. Where there are
    #: any, a rejection has one of them.
    rejection_categories: Mapping[str, str] = MappingProxyType({})
    #: the platform's rules on rejections, which a reviewer reads before the first one
    rejection_rules: str = ""
    #: a part of a visit's reward can be approved, within these bounds; None if it cannot
    partial_approvals: PartialBounds | None = None
    #: workers can be asked to return a visit that they have submitted, as ``RequestReturn``
    requests_return: bool = False
    #: the days that have to pass after a requested return before a rejection
    days_before_rejection: int = 0
    #: the days after which the platform approves a submission that has no verdict; None if it
    #: waits for one
    approves_after_days: int | None = None
    #: workers see the data that they have sent, for trying tasks out; only with ``sandbox``
    shows_answers: bool = False


@frozen(kw_only=True)
class RunView:
    """A run as its provider sees it, with the current values of limits that can be changed."""

    id: int
    #: unique among the runs of all databases, and always the same
    key: str
    #: what it was launched with; a callback in its shared state may be missing
    plan: Plan
    #: where it is served, for browsers; empty while it is not
    url: str
    #: when the run closes to new workers
    closes_at: datetime
    #: what a worker has to meet, as ``{"qualification_name", "comparator", "value",
    #: "applicable_providers"}``: the plan's own, and what its block and onboarding add
    requirements: Sequence[Mapping[str, Any]] = ()
    #: for :meth:`Provider.set_places`: places that are gone because they were closed; the total
    #: counts them. For a closing that is repeated after :exc:`famulus.UnlistedPlacesError`: the
    #: places that it is about.
    gone_places: int = 0
    #: whether an operator serves it to workers; not set once it stops
    is_served: bool = True


@frozen(kw_only=True)
class Arrival:
    """A worker who accepted."""

    #: the platform's id of the worker: 1 to 255 printable characters. White space around it is
    #: stripped; ``undefined``, ``null`` and what looks like a template are refused.
    worker_name: str
    #: the platform's id of the visit (URLs call it assignment id): 1 to 255 printable characters.
    #: The same worker and reference again are the same visit.
    reference: str
    #: distinguishes two accepts with the same reference; at most 255 printable characters
    accept: str = ""
    #: the platform's id of the place that the worker has taken, where a place is one visit at a
    #: time: another visit that names it is refused until the first one ends. An arrival with the
    #: same place and the same reference ends the first visit, since only the platform knows both.
    #: At most 255 printable characters; empty if places are interchangeable.
    place: str = ""


@frozen
class Preview:
    """A person who views the page before accepting, and gets no unit."""


@frozen(kw_only=True)
class VisitView:
    """A visit as its provider sees it."""

    #: 0 if no visit is stored, as for a worker who is refused at once
    id: int
    run_id: int
    #: where the run is served, for browsers; empty while it is not
    run_url: str = ""
    worker_name: str
    reference: str
    #: the URL parameters that the worker arrived with; none for a visit that was only reported
    query: Mapping[str, str] = Factory(dict)
    #: when the worker arrived first; None if no visit is stored
    arrived_at: datetime | None = None
    #: when the worker arrived last, where visits have a place, as ``arrived_at`` elsewhere
    last_arrived_at: datetime | None = None
    #: when the last of the work was stored here; None before that
    done_at: datetime | None = None


class Outcome(StrEnum):
    """How a call about money, a decision or a grant ended, for one of its items.

    After ``UNKNOWN`` the call may or may not have had its effect. The platform is asked then; it is
    never paid again. ``ACCEPTED`` is only for payments: the platform has said that it makes one and
    does not show it yet. The platform is asked as after ``UNKNOWN``, but commands that pay do not
    end with an error.
    """

    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"


#: The result of one item of a call: an outcome, or the error that a call for this item alone would
#: have raised.
Result: TypeAlias = Outcome | UnavailableError | RefusedError


@frozen(kw_only=True)
class VisitVerdict:
    """A verdict on a visit, to be sent to the platform."""

    #: unique among the verdicts of all databases, and the same at every attempt
    key: str
    visit: VisitView
    #: an :class:`~famulus.Approve`, a :class:`~famulus.Reject`, and where the capabilities have
    #: them an :class:`~famulus.ApprovePartially` or a :class:`~famulus.RequestReturn`
    verdict: Verdict


@frozen(kw_only=True)
class Quote:
    """The cost of work, in ``currency``, with the platform's fees and the taxes on them."""

    currency: str
    rewards: Decimal
    fees: Decimal
    #: what the account is charged in taxes, on rewards or on fees
    taxes: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Rewards, fees and taxes together."""
        return self.rewards + self.fees + self.taxes


@frozen(kw_only=True)
class VisitReport:
    """The status of one visit on the platform.

    A rejected visit that is reported as submitted is up for review again, unless it was rejected
    from here within the last ten minutes: the report may be older.
    """

    worker_name: str
    reference: str
    status: VisitStatus
    #: what the platform has paid for the visit, without fees, in the currency of the run. None
    #: where it does not say: an approved visit has then earned its whole reward, and one that was
    #: screened out nothing. One that was partially approved needs it. It is ignored with any other
    #: status, and where the provider does not pay: the requester then owes the reward of each unit
    #: of an approved visit that is not rejected, and nothing for one without work.
    amount: Decimal | None = None


@frozen
class SyncCursor:
    """How far a platform's reports of a run have been read."""

    #: the platform's own text, such as the time or the number of the last report
    value: str = field(validator=instance_of(str))


@frozen(kw_only=True)
class PaymentView:
    """One row of the ledger, to be paid."""

    id: int
    #: unique among the payments of all databases, and the same at every attempt
    key: str
    kind: PaymentKind
    run_id: int
    worker_name: str
    reference: str
    amount: Decimal
    currency: str
    reason: str
    #: when the call that may have paid it began; None if no call has
    sent_at: datetime | None = None
    #: what that call has kept, as JSON; None if it has kept nothing
    kept: Any = None


@frozen(kw_only=True)
class GrantView:
    """A qualification of a worker, to be granted or revoked on the platform."""

    #: unique within the call
    key: str
    worker_name: str
    qualification: str
    #: 0 if it is revoked
    value: int


#: Stores a value with a payment, by the payment's key; the value is JSON.
Keep: TypeAlias = Callable[[str, Any], None]
