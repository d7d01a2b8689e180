"""How workers leave: the outcome of a visit, and the last step that a provider answers with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen


class VisitOutcome(StrEnum):
    """How a visit ends for its worker, who holds a place on the platform."""

    #: the work is stored
    COMPLETED = "completed"
    #: the worker has failed the onboarding
    FAILED_CHECK = "failed_check"
    #: a qualification is missing, a check refuses the worker, or they are blocked
    NOT_QUALIFIED = "not_qualified"
    #: no unit is free for the worker, now or ever
    NO_WORK_LEFT = "no_work_left"
    #: the worker has as many units, open or done, as one worker may
    LIMIT_REACHED = "limit_reached"
    #: the run is finished or stopped, all its units are done, or its lifetime is over
    RUN_CLOSED = "run_closed"
    #: the worker's answers have shown that the rest of the work is not for them
    SCREENED_OUT = "screened_out"
    #: the worker has given the work back, or its time was over without answers
    WITHDREW = "withdrew"


@frozen(kw_only=True)
class Completion:
    """How a worker leaves: the base of the classes that a provider's ``completion`` returns."""

    #: the URL parameters with which the same worker arrives for another unit, in a new visit. The
    #: page links to it once the work is stored or given back, unless the worker would be refused.
    #: The link comes before the last step, which the browser then does not take by itself.
    next_query: Mapping[str, str] | None = None


@frozen(kw_only=True)
class PostForm(Completion):
    """The browser posts a form to the platform.

    For stored work it posts by itself at once, for an outcome that may pass without the requester
    at the press of a button, and for any other outcome by itself after ten seconds.
    """

    url: str
    fields: Mapping[str, str]


@frozen(kw_only=True)
class GoTo(Completion):
    """The browser goes to another address.

    For stored work it goes by itself at once, for an outcome that may pass without the requester
    by a link, and for any other outcome by itself after ten seconds.
    """

    url: str


@frozen(kw_only=True)
class ShowCode(Completion):
    """The page shows a code, for the worker to copy."""

    code: str
    #: where to enter it
    url: str = ""


@frozen(kw_only=True)
class ReturnPlace(Completion):
    """The page asks the worker to return their place on the platform. Never for completed work."""

    #: the platform's word for it: "Please return this …"
    noun: str = "task"
    #: where it can be returned; without it, the page has no button
    url: str = ""


@frozen(kw_only=True)
class OwnPage(Completion):
    """The page lists what the worker has done in the run, and what that earns.

    It has a link to itself: the URL parameters that the worker came with lead back to it. It says
    how many units are left for the worker at most, by the limits of the run and by
    :meth:`Provider.most_left`.
    """


@frozen(kw_only=True)
class Nothing(Completion):
    """The page leads nowhere."""
