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
    """The run to serve. ``environment`` is what ``famulus.open_gateway`` needs in the serving
    process, to be added to that process' environment; it holds no other secret than the address
    and the key of the operator's callbacks."""

    run_id: int
    instance: str
    environment: Mapping[str, str]
    #: where the run was served before; empty the first time. Workers have it open, so it stays.
    previous_url: str = ""


class Architect(ABC):
    """Subclass this to serve runs somewhere, and return it from ``famulus_register_architects``.

    The serving side opens its own gateway (:func:`famulus.open_gateway`) and only carries what the
    gateway says: no rule about units lives here.
    """

    type: ClassVar[str]
    Args: ClassVar[AnyClass]

    def __init__(self, args: Any, context: Context) -> None:
        self.args = args
        self.context = context

    @abstractmethod
    def problems(self, plan: Plan) -> list[Problem]:
        """Return everything that is wrong, such as a taken port. Writes and starts nothing."""

    @abstractmethod
    def deploy(self, deployment: Deployment) -> str:
        """Serve the run and return its public URL once it answers.

        Calling it again for a run that a killed operator left behind ends that server first: the
        address stays the same.

        :raises famulus.UnavailableError: when it does not come up; nothing is left running.
        """

    @abstractmethod
    def is_alive(self) -> bool:
        """Say whether this run's own instance answers."""

    @abstractmethod
    def shutdown(self) -> None:
        """Stop serving after the requests that are under way. Safe to call twice."""
