"""The hooks of a program that embeds an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from famulus.contracts.plan import SharedTaskState
from famulus.errors import UnavailableError
from famulus.operate.checking import Configured
from famulus.operate.launching import Launched

if TYPE_CHECKING:
    from famulus.operate.operator import Operator


@frozen(kw_only=True)
class LaunchRequest:
    """The arguments of a call of :meth:`Operator.launch`."""

    configuration: Configured
    overrides: Sequence[str] = ()
    shared_state: SharedTaskState | None = None


class OperatorObserver:
    """The hooks by which a program extends an operator: progress, signals, its own launch.

    Each method is called in the thread that has called the operator. The methods of this class
    leave the operator's behaviour unchanged.
    """

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        """Surround a launch.

        Call ``proceed`` with the request, or with another one, to launch. If a run is returned
        without calling it, :meth:`Operator.wait` does not wait for that run.
        """
        return proceed(request)

    def wait(
        self,
        operator: Operator,
        runs: Sequence[int],
        log_rate: float | None,
        proceed: Callable[[], None],
    ) -> None:
        """Wait until the operator manages none of the runs, by calling ``proceed``.

        :param log_rate: the argument of ``wait_for_runs_then_shutdown``, in seconds.
        """
        proceed()

    def finishing(self, run: int, expired: int) -> None:
        """Handle a step of finishing a run, which may have a million units.

        :param expired: how many units have expired since the last call.
        """

    def leaving(self, operator: Operator, runs: Sequence[int]) -> None:
        """Handle the end of an operator's ``with`` block, without an error, while runs go on.

        The operator stops these runs next.
        """

    def closed(
        self, operator: Operator, runs: Sequence[int], problem: UnavailableError | None
    ) -> None:
        """Handle the moment when the operator has released all its runs.

        :param problem: names the runs with places still open on their platform; raised by default.
        """
        if problem is not None:
            raise problem
