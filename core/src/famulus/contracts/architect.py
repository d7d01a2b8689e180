"""Where a run is served."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan
from famulus.errors import Problem


@frozen(kw_only=True)
class Deployment:
    """The run that an architect is to serve."""

    run_id: int
    #: a name made up for this operator's serving of the run, for telling one's own server from one
    #: that a killed operator has left behind
    instance: str
    #: what :func:`famulus.open_gateway` needs in the serving process, to be added to that process'
    #: environment. It is secret: the database's address, the key that signs pages (PostgreSQL),
    #: the key of the operator's callbacks and the secrets of the configuration are among it.
    environment: Mapping[str, str]
    #: where the run was served before; empty the first time. Workers have it open, so it stays.
    previous_url: str = ""


class Architect(ABC):
    """Subclass this to serve runs somewhere, and return it from ``famulus_register_architects``.

    The serving side opens its own gateway (:func:`famulus.open_gateway`) and only carries what the
    gateway says: no rule about units lives here.

    One instance is made to check a plan, and one for each run in an operator's hands. Several
    threads of the operator's process call it; :meth:`shutdown` may come while another call is under
    way.
    """

    #: The name in configurations: ``architect: local``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``public_url`` is
    #: where workers find the run; providers that need HTTPS look at it.
    Args: ClassVar[AnyClass]

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, such as a taken port. Writes and starts nothing.

        Called once before each launch, and by ``famulus check``; not before a resume. What it
        raises by mistake becomes a problem that names the architect.
        """

    @abstractmethod
    def deploy(self, deployment: Deployment) -> str:
        """Serve the run and return its public URL, which ends in a slash, once it answers.

        Called at the launch, at each resume, and whenever :meth:`is_alive` has said no. Calling it
        again for a run that a killed operator left behind ends that server first: the address stays
        the same.

        :raises famulus.UnavailableError: when it does not come up; nothing is left running. A
            launch fails then; a run that is going on is tried again two seconds later.
        """

    @abstractmethod
    def is_alive(self) -> bool:
        """Return whether this run's own instance is still there.

        False means that it is gone, and :meth:`deploy` is called at once, which cuts off everybody
        who is sending something. So a server that is busy is alive, and one that runs and does not
        answer is only gone after several looks over a stated time.

        Called about every two seconds by the thread that looks after all runs of an operator: it
        must not take long.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Stop serving after the requests that are under way. Safe to call twice.

        Called when the run ends in any way, also when :meth:`deploy` has raised. Raising is logged,
        and the run ends all the same.
        """
