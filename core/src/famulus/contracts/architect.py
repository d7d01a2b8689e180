"""The contract of architects: where a run is served."""

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
    """A run, for the architect that serves it."""

    run_id: int
    #: a random name, by which an architect recognizes its own server and not one that a killed
    #: operator has left behind
    instance: str
    #: what :func:`famulus.open_gateway` needs in the environment of the serving process. It is
    #: secret: it has the database's address, the key that signs pages (PostgreSQL), the key of the
    #: operator's callbacks and the secrets of the configuration.
    environment: Mapping[str, str]
    #: where the run was served before; empty the first time. Workers have pages open there: keep
    #: the address.
    previous_url: str = ""


class Architect(ABC):
    """Subclass this to serve runs somewhere, and return it from ``famulus_register_architects``.

    The serving process opens a gateway (:func:`famulus.open_gateway`) and passes requests to it and
    its replies to browsers; an architect has no rules about units.

    One instance is made to check a plan, and one for each run of an operator. Several threads of
    the operator call it; :meth:`shutdown` may be called during another call.
    """

    #: The name in configurations: ``architect: local``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``public_url`` is
    #: where workers find the run; providers that need HTTPS check it.
    Args: ClassVar[AnyClass]

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, such as a taken port. Writes and starts nothing.

        Called once before each launch, and by ``famulus check``; not before a resume. An exception
        becomes a problem that names the architect.
        """

    @abstractmethod
    def deploy(self, deployment: Deployment) -> str:
        """Serve the run and return its public URL, which ends in a slash, once it answers.

        Called at the launch, at each resume, and whenever :meth:`is_alive` has returned False. A
        server of the run that a killed operator has left behind is ended first, and its address is
        kept.

        :raises famulus.UnavailableError: when it does not start; nothing is left running. A launch
            fails then; for a run that is active, the call is repeated two seconds later.
        """

    @abstractmethod
    def is_alive(self) -> bool:
        """Return whether this run's own server is still there.

        After False, :meth:`deploy` is called at once, which interrupts every request. So a server
        that is busy is alive, and one that runs without answering counts as gone only after several
        checks over a documented time.

        Called about every two seconds by one thread for all runs of an operator: it must return
        quickly.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Stop serving after the requests that are under way. Safe to call twice.

        Called whenever the run stops or finishes, also after :meth:`deploy` has raised. An
        exception is logged, and the run ends nevertheless.
        """
