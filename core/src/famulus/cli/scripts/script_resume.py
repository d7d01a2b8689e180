"""Resuming a run that needs functions of its run script: the script is run again for them."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping

from attrs import define

from famulus.cli.follow import announce, follow
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import say
from famulus.cli.scripts.run_script import CALLER, RunScript
from famulus.cli.session import Session
from famulus.contracts.plan import Plan, ScriptCall, SharedTaskState
from famulus.engine.runs import RunRecord, find_run
from famulus.errors import ConflictError, FamulusError, UsageError
from famulus.model.database import Database
from famulus.model.states import LoadingStatus
from famulus.operate.checking import read_draft
from famulus.operate.launching import Launched
from famulus.operate.observer import LaunchRequest, OperatorObserver
from famulus.operate.operator import Operator
from famulus.plan import plan_secrets, stored_callbacks, stored_code


class _ScriptEnded(BaseException):
    """Ends the script once its run has ended: code after the launch must not run again."""


@define(kw_only=True)
class Resumption:
    """One run that is resumed by its script, which launches no other run."""

    database: Database
    session: Session
    record: RunRecord
    call: ScriptCall
    log_rate: float
    #: the exit status, once the run has ended again
    status: int | None = None
    #: what kept the run from being resumed, even if the script has caught it
    failure: BaseException | None = None

    def run(self, script: RunScript) -> None:
        """Call the script's function, if it is the one that launched the run."""
        if script.function.__name__ != self.call.function:
            return
        with Operator(self.database, observer=_ResumingObserver(self)) as operator:
            script.call(operator, self.call.arguments)

    def follow(
        self, operator: Operator, shared_state: SharedTaskState | None, secrets: Mapping[str, str]
    ) -> None:
        """Resume the run with the script's functions and secrets, and follow it until it ends.

        :raises _ScriptEnded: always.
        """
        run = self.record.id
        with Interrupts() as interrupts:
            launched = operator.resume(run, shared_state=shared_state, secrets=secrets)
            announce(launched, self.session)
            self.status = follow(self.session, operator, [run], interrupts, self.log_rate)
        raise _ScriptEnded


class _ResumingObserver(OperatorObserver):
    """Resumes one run in place of the script's launch of it, and launches none."""

    def __init__(self, resumption: Resumption) -> None:
        self._resumption = resumption
        self._passed = 0

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        resumption, number = self._resumption, self._passed
        self._passed += 1
        if resumption.status is not None:
            raise _ScriptEnded
        if number < len(resumption.call.earlier):
            return self._passed_over(resumption.call.earlier[number])
        try:
            plan = self._checked(operator, request)
            resumption.follow(operator, request.shared_state, plan_secrets(plan))
        except Exception as error:
            resumption.failure = error
            raise
        raise AssertionError("a resumption ends the script")

    def _passed_over(self, run: int | None) -> Launched:
        """Return the run of an earlier launch of the script, or raise its failure."""
        if run is None:
            raise ConflictError("this launch failed in the script's first run; it is not repeated")
        record = find_run(self._resumption.database, run)
        return Launched(
            run_id=run, task_name=record.task_name, url=record.url, entrances=[record.url]
        )

    def _checked(self, operator: Operator, request: LaunchRequest) -> Plan:
        """Return the plan that the script launches now, if it is still the run's task.

        The functions of another task must not stand in for its own.

        :raises famulus.UsageError: when it is another one, or the configuration is wrong.
        """
        draft = read_draft(
            request.configuration, request.overrides, operator.plugins, request.shared_state
        )
        if draft.plan is None or "task" not in draft.sound:
            raise UsageError(draft.problems)
        record, plan = self._resumption.record, draft.plan
        if (plan.task_name, plan.blueprint.type) != (record.task_name, record.blueprint_type):
            raise UsageError(
                f"{self._resumption.call.file} launches {plan.task_name!r} ({plan.blueprint.type}) "
                f"where it launched {record.task_name!r} ({record.blueprint_type}) as run "
                f"{record.id}; {_by_hand(record)}"
            )
        return plan


def needs_script(record: RunRecord) -> bool:
    """Return whether a run needs its run script to go on: for callbacks, or for data to load."""
    is_loading = record.loading is LoadingStatus.LOADING
    return bool(stored_callbacks(record.plan) or (is_loading and stored_code(record.plan)))


def resume_by_script(resumption: Resumption) -> int:
    """Run the recorded script up to its launch, which goes on with the run; return the exit status.

    :raises famulus.FamulusError: when the script is not there, fails, or no longer launches the
        run; the message explains how to resume it without the script.
    """
    call, record = resumption.call, resumption.record
    if not call.file.is_file():
        raise UsageError(
            f"run {record.id} was launched by {call.file}, which does not exist any more; "
            f"put it back, or {_by_hand(record)}"
        )
    say(f"Its functions come from {call.file}")
    token = CALLER.set(resumption.run)
    try:
        with _command_line(call):
            _execute(call)
    except _ScriptEnded:
        pass
    except FamulusError as error:
        resumption.failure = resumption.failure or error
    except (Exception, SystemExit) as error:
        if resumption.status is None and resumption.failure is None:
            raise FamulusError(
                f"{call.file} (called in {call.folder}) ended before it came to run {record.id}: "
                f"{type(error).__name__}: {error}; {_by_hand(record)}"
            ) from error
    finally:
        CALLER.reset(token)
    if resumption.status is not None:
        return resumption.status
    if resumption.failure is not None:
        raise resumption.failure
    raise UsageError(
        f"{call.file} does not launch run {record.id} any more, by its function "
        f"{call.function!r}; {_by_hand(record)}"
    )


@contextlib.contextmanager
def _command_line(call: ScriptCall) -> Iterator[None]:
    """Set ``sys.argv`` and ``sys.path`` as for a script that is started by itself."""
    before = sys.argv, [*sys.path]
    sys.argv = [str(call.file), *call.arguments]
    sys.path.insert(0, str(call.folder if call.module else call.file.parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before


def _execute(call: ScriptCall) -> None:
    if call.module is not None:
        runpy.run_module(call.module, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(str(call.file), run_name="__main__")


def _by_hand(record: RunRecord) -> str:
    return f"resume it from Python: operator.resume({record.id}, shared_state=…)"
