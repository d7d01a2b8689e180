"""The contract of architects, number 2: where a run is served."""

from __future__ import annotations

import enum
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import Attribute, field, frozen

from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan
from famulus.errors import PluginError, Problem
from famulus.translation import Catalogue


class ServerHealth(enum.StrEnum):
    """What an architect knows about its server."""

    #: it answers
    SERVING = "serving"
    #: it is there and does not answer now, or says that all its threads are occupied
    BUSY = "busy"
    #: it has ended, or has not answered for so long that it is given up: it is deployed again
    GONE = "gone"


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
    #: the handle of the run's last deployment, by whichever operator; None the first time
    handle: Any = None


def _check_url(_instance: Any, _field: Attribute[Any], url: object) -> None:
    if not (isinstance(url, str) and url.endswith("/")):
        raise PluginError(
            f"deploy() returned the address {url!r}; it must return one that ends in a slash"
        )


def _check_handle(_instance: Any, _field: Attribute[Any], handle: object) -> None:
    try:
        json.dumps(handle, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"deploy() returned the handle {handle!r}, which is not JSON ({error}); it must return"
            " one of texts, numbers, lists and mappings"
        ) from error


@frozen
class Deployed:
    """Where a run is served, and what the next deployment of the run needs to know about it.

    :raises famulus.PluginError: for an address without a slash at its end, and for a handle that
        is not JSON.
    """

    #: the public address, which ends in a slash
    url: str = field(validator=_check_url)
    #: names what was started, so that a later deployment finds it, whichever process asks: JSON,
    #: stored with the run, without secrets. A process id alone is not enough, because the system
    #: reuses it.
    handle: Any = field(default=None, validator=_check_handle)


class Architect(ABC):
    """Subclass this to serve runs somewhere, and return it from ``famulus_register_architects``.

    An architect that starts a process is better made from :class:`famulus.ProcessArchitect`. The
    serving process opens a gateway (:func:`famulus.open_gateway`), passes requests to it and its
    replies to browsers; an architect has no rules about units.

    One instance is made to check a plan, and one for each run of an operator. Several threads of
    the operator call it; :meth:`shutdown` may be called during another call.
    """

    #: The name in configurations: ``architect: local``.
    type: ClassVar[str]
    #: An attrs class of options made with :func:`famulus.option`. An option ``public_url`` is
    #: where workers find the run; providers that need HTTPS check it. A class without it must have
    #: none with a name that resembles it.
    Args: ClassVar[AnyClass]

    #: the translations of the texts that it shows to workers; None if it shows none
    catalogue: ClassVar[Catalogue | None] = None

    #: The number of this contract. A method that is added with a default leaves it. A class may set
    #: the number that it was written for; another one than this is refused when it is loaded.
    contract: ClassVar[int] = 2

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong with the options. Writes and starts nothing.

        Called once before each launch, and by commands that read a configuration, such as
        ``famulus check`` and ``quote``; not before a resume. An exception becomes a problem that
        names the architect.
        """

    def serving_problems(self, plan: Plan) -> list[Problem]:
        """Return what prevents serving a run now, such as a taken port. Starts nothing.

        Called like :meth:`problems`, except by commands that serve nothing, such as ``famulus
        quote``: the port may be taken by the run whose configuration they look at.
        """
        return []

    @abstractmethod
    def deploy(self, deployment: Deployment) -> Deployed:
        """Serve the run; return its address and a handle once it answers.

        Called at the launch, at each resume, and whenever :meth:`health` has returned ``GONE``.
        First ends or adopts what ``deployment.handle`` names: it may still serve, because its
        operator was killed. Then nothing else serves the run, and its address is free. Workers
        have pages open there, so a run that is deployed again keeps its address.

        The handle is stored after this method has returned: what is started here must end by
        itself when an operator is killed before that.

        :raises famulus.UnavailableError: when it does not start; nothing is left running. A launch
            fails then; for a run that is active, the call is repeated two seconds later.
        """

    @abstractmethod
    def health(self) -> ServerHealth:
        """Return the health of this run's own server.

        After ``GONE``, :meth:`deploy` is called at once, which interrupts every request. So a
        server that does not answer is ``BUSY`` as long as it may recover, and ``GONE`` only after
        several checks over a documented time. One that has ended is ``GONE`` at once. If another
        program serves the run, there is nothing to deploy again, and the answer is never ``GONE``.

        Called about every two seconds by one thread for all runs of an operator: it must return
        quickly.
        """

    @abstractmethod
    def shutdown(self) -> None:
        """Stop serving after the requests that are under way. Safe to call twice.

        Called whenever the run stops or finishes, also after :meth:`deploy` has raised. An
        exception is logged, and the run ends nevertheless.
        """
