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

    Every method is called in the thread that has called the operator. By default an operator works
    as if there were none.
    """

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        """Surround a launch.

        Call ``proceed`` with the request, or with another one, to launch. A run that is returned
        without that is not waited for: :meth:`Operator.wait` returns at once.
        """
        return proceed(request)

    def wait(
        self,
        operator: Operator,
        runs: Sequence[int],
        log_rate: float | None,
        proceed: Callable[[], None],
    ) -> None:
        """Wait until the operator manages none of the runs, as ``proceed`` does.

        :param log_rate: seconds between looks, as ``wait_for_runs_then_shutdown`` was given them.
        """
        proceed()

    def finishing(self, run: int, expired: int) -> None:
        """Handle a step of finishing a run, which may have a million units.

        :param expired: how many units have expired since the last call.
        """

    def leaving(self, operator: Operator, runs: Sequence[int]) -> None:
        """Handle the end of an operator's ``with`` block, without an error, while runs go on.

        They are stopped next.
        """

    def closed(
        self, operator: Operator, runs: Sequence[int], problem: UnavailableError | None
    ) -> None:
        """Handle the moment when the operator has released all its runs.

        :param problem: names those still open on their platform; raised by default.
        """
        if problem is not None:
            raise problem
