"""The observer of a run script's operator: it prints progress and the end of each run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from attrs import evolve

from famulus.cli.display import FinishingLines
from famulus.cli.follow import announce, announce_launch, conclude, follow
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import say
from famulus.cli.scripts.run_script import RunScript
from famulus.cli.session import Session
from famulus.contracts.plan import Plan, ScriptCall
from famulus.errors import UnavailableError
from famulus.operate.launching import Launched
from famulus.operate.observer import LaunchRequest, OperatorObserver
from famulus.operate.operator import Operator
from famulus.options.compat import native_key
from famulus.options.option_class import options_of
from famulus.options.option_values import secrets_of
from famulus.options.source import ROLES
from famulus.options.task_config import own_arguments

#: Seconds between lines of progress unless a script sets another value.
_LOG_RATE = 30.0


class ScriptObserver(OperatorObserver):
    """Launches and waits like ``famulus launch``.

    A run is stored with the script's call, so that ``famulus resume`` can run it again.

    :param yes: a launch that costs real money is confirmed already; no question is asked.
    """

    def __init__(
        self, session: Session, script: RunScript, arguments: Sequence[str], *, yes: bool = False
    ) -> None:
        #: what the program ends with
        self.status = 0
        self._yes = yes
        self._session = session
        self._script = script
        self._arguments = arguments
        #: the run of each launch so far; None for one that has failed
        self._calls: list[int | None] = []
        self._concluded: set[int] = set()
        self._finishing = FinishingLines()
        self._interrupts = Interrupts()
        self._is_interrupted = False
        self._has_stopped = False
        #: whether the operator was closed before its runs were over
        self._has_closed = False
        is_main_thread = threading.current_thread() is threading.main_thread()
        self._takes_signals = script.is_program and is_main_thread

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        try:
            launched = self._launch(operator, request, proceed)
        except BaseException:
            self._calls.append(None)
            raise
        self._calls.append(launched.run_id)
        return launched

    def wait(
        self,
        operator: Operator,
        runs: Sequence[int],
        log_rate: float | None,
        proceed: Callable[[], None],
    ) -> None:
        if self._is_interrupted and not any(map(operator.holds, runs)):
            return
        self._follow(operator, runs, log_rate or _LOG_RATE)
        self._has_stopped = True

    def finishing(self, run: int, expired: int) -> None:
        self._finishing.step(run, expired)

    def leaving(self, operator: Operator, runs: Sequence[int]) -> None:
        say(
            f"{self._script.name} ended before its runs did; "
            "operator.wait_for_runs_then_shutdown() waits for them.",
            err=True,
        )
        self.status = 1

    def closed(
        self, operator: Operator, runs: Sequence[int], problem: UnavailableError | None
    ) -> None:
        if problem is not None:
            say(str(problem), err=True)
            self.status = max(self.status, problem.exit_code)
        left = set(runs) - self._concluded
        self._has_closed |= bool(left)
        for run in left:
            self.status = max(self.status, conclude(self._session, operator.database, run))
            self._concluded.add(run)

    def interrupt(self, operator: Operator) -> bool:
        """Do what the first Ctrl-C does, wherever in the script it was pressed.

        Return whether there was a run to stop.
        """
        if not self._takes_signals:
            return False
        self._is_interrupted, self._has_stopped = True, False
        operator.wait_for_runs_then_shutdown()
        return self._has_stopped or self._has_closed

    def _launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        checked = operator.check(
            request.configuration,
            overrides=request.overrides,
            shared_state=request.shared_state,
        )
        plan = evolve(checked.plan, script=self._call(checked.plan))
        checked = evolve(checked, plan=plan)
        self._session.warn(*checked.warnings)
        announce_launch(self._session, operator, checked, yes=self._yes)
        with self._signals_kept():
            launched = proceed(LaunchRequest(configuration=checked))
            announce(launched, self._session)
        # Only now: one that comes before signals act as usual again would be lost otherwise.
        if self._interrupts.take() is not None:
            raise KeyboardInterrupt
        return launched

    def _follow(self, operator: Operator, runs: Sequence[int], log_rate: float) -> None:
        with self._signals_kept():
            status = follow(
                self._session,
                operator,
                runs,
                self._interrupts,
                log_rate,
                is_interrupted=self._is_interrupted,
            )
        self.status = max(self.status, status)
        self._concluded.update(runs)

    def _signals_kept(self) -> AbstractContextManager[object]:
        return self._interrupts if self._takes_signals else nullcontext()

    def _call(self, plan: Plan) -> ScriptCall | None:
        script = self._script
        if script.file is None:
            return None
        secret = {key for role in ROLES for key in secrets_of(getattr(plan, role).args, role)}
        options = options_of(own_arguments(script.config))
        secret |= {name for name, option in options.items() if option.secret}
        return ScriptCall(
            file=script.file,
            module=script.module,
            function=script.function.__name__,
            arguments=[each for each in self._arguments if _key(each) not in secret],
            folder=Path.cwd(),
            earlier=[*self._calls],
        )


def _key(argument: str) -> str:
    return native_key(argument.partition("=")[0].strip().removeprefix("~"))
