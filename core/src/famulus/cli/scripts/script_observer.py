"""The operator that a run script is given: it shows what happens, and how each run ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType

from attrs import evolve

from famulus.cli.confirm import confirm_live
from famulus.cli.costs import say_cost
from famulus.cli.failures import warn
from famulus.cli.follow import announce, conclude, stay
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import say
from famulus.cli.scripts.decorator import RunScript
from famulus.cli.session import Session
from famulus.contracts.plan import Plan, ScriptCall, SharedTaskState
from famulus.engine.platform.closing import StillOpenError
from famulus.model.database import Database
from famulus.operate.operator import Configured, Launched, Operator
from famulus.options.compat import FORMER_ROOT
from famulus.options.layers import ROLES
from famulus.options.option_class import options_of
from famulus.options.option_values import secrets_of
from famulus.options.task_config import own_arguments

#: Seconds between lines of progress where a script does not say.
_LOG_RATE = 30.0


class ScriptOperator(Operator):
    """Launches and waits as ``famulus launch`` does. ``status`` is what the program ends with.

    A run is stored with the script's call, so that `famulus resume` can run it again.

    :param yes: a launch that costs real money is meant; nobody is asked.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        script: RunScript,
        arguments: Sequence[str],
        *,
        yes: bool = False,
    ) -> None:
        super().__init__(database)
        self.status = 0
        self._yes = yes
        self._session = session
        self._script = script
        self._arguments = arguments
        self._calls: list[int | None] = []
        self._concluded: set[int] = set()
        is_main_thread = threading.current_thread() is threading.main_thread()
        self._takes_signals = script.is_program and is_main_thread

    def __enter__(self) -> ScriptOperator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and any(map(self.holds, self._runs)):
            say(
                f"{self._script.name} ended before its runs did; "
                "operator.wait_for_runs_then_shutdown() waits for them.",
                err=True,
            )
            self.status = 1
        super().__exit__(kind, error, trace)

    def launch(
        self,
        configuration: Configured,
        *,
        overrides: Sequence[str] = (),
        shared_state: SharedTaskState | None = None,
    ) -> Launched:
        try:
            launched = self._launch(configuration, overrides, shared_state)
        except BaseException:
            self._calls.append(None)
            raise
        self._calls.append(launched.run_id)
        return launched

    def wait_for_runs_then_shutdown(
        self, skip_input: bool = True, log_rate: float | None = None
    ) -> None:
        self._stay(log_rate or _LOG_RATE)

    def interrupt(self) -> bool:
        """Do what the first Ctrl-C does, wherever in the script it has struck; say whether there
        was a run to stop.
        """
        if not self._takes_signals or not any(map(self.holds, self._runs)):
            return False
        self._stay(_LOG_RATE, is_interrupted=True)
        return True

    def close(self) -> None:
        try:
            super().close()
        except StillOpenError as error:
            say(str(error), err=True)
            self.status = max(self.status, error.exit_code)
        for run in self._runs.keys() - self._concluded:
            self.status = max(self.status, conclude(self._session, self, run))
            self._concluded.add(run)

    def _launch(
        self,
        configuration: Configured,
        overrides: Sequence[str],
        shared_state: SharedTaskState | None,
    ) -> Launched:
        checked = self.check(configuration, overrides=overrides, shared_state=shared_state)
        plan = evolve(checked.plan, script=self._call(checked.plan))
        warn(checked.warnings)
        say(f"Creating a task run under task name: {plan.task_name}")
        say(f"Database: {self.database.location.shown}")
        say_cost(self, checked)
        confirm_live(plan, self.plugins, yes=self._yes)
        interrupts = Interrupts()
        with self._kept(interrupts):
            launched = super().launch(evolve(checked, plan=plan))
            announce(launched, self._session)
        # Only now: one that comes before signals act as usual again would be lost otherwise.
        if interrupts.take() is not None:
            raise KeyboardInterrupt
        return launched

    def _stay(self, log_rate: float, *, is_interrupted: bool = False) -> None:
        interrupts, runs = Interrupts(), [*self._runs]
        with self._kept(interrupts):
            status = stay(
                self._session, self, runs, interrupts, log_rate, is_interrupted=is_interrupted
            )
        self.status = max(self.status, status)
        self._concluded.update(runs)
        self.close()

    def _kept(self, interrupts: Interrupts) -> AbstractContextManager[object]:
        return interrupts if self._takes_signals else nullcontext()

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
    return argument.partition("=")[0].strip().lstrip("+/").removeprefix(f"{FORMER_ROOT}.")
