"""Changing the limits of a run while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import frozen

from famulus.engine.places.place_changes import move_end
from famulus.engine.run_activity import quiet_since
from famulus.engine.run_limits import (
    CONCURRENT,
    LIFETIME,
    LIVE_LIMITS,
    PATIENCE,
    SPEND,
    UPLOADED,
    WINDOW,
    run_limits,
)
from famulus.engine.runs import RunRecord, find_run, lock_run
from famulus.engine.status import NewEvent, record
from famulus.engine.window import adjust_window, is_window_off
from famulus.errors import ConflictError, Problem, UsageError
from famulus.model.database import Database
from famulus.model.money import to_minor
from famulus.model.states import ENDED_RUNS, LIVE_RUNS
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.options.convert import structure
from famulus.options.option_class import options_of
from famulus.options.option_values import unstructure
from famulus.options.suggest import did_you_mean
from famulus.options.task_args import TaskArgs


@frozen(kw_only=True)
class LimitChange:
    """A limit that was changed."""

    name: str
    old: Any
    new: Any


def set_limits(database: Database, run: int, /, **limits: Any) -> list[LimitChange]:
    """Change limits of a run, all or none of them; return the limits that have changed.

    The limits take effect at the next arrival, in every process. A change is recorded as an event.

    :param limits: options of the task, as a configuration or the command line gives them.
    :raises famulus.UsageError: with everything that is wrong with them.
    :raises famulus.ConflictError: when the run is over.
    """
    record, problems = find_run(database, run), unknown_limits(limits)
    if problems:
        known = {name: value for name, value in limits.items() if name in LIVE_LIMITS}
        raise UsageError([*problems, *_structured(record, known)[1]])
    return database.write(lambda tx: _set(tx, run, limits))


def unknown_limits(names: Iterable[str]) -> list[Problem]:
    """Return a problem for each name that is not a changeable limit."""
    return [_unknown(name) for name in names if name not in LIVE_LIMITS]


def _unknown(name: str) -> Problem:
    near = did_you_mean(name, LIVE_LIMITS, otherwise="these can be changed", lists_all=True)
    is_option = name in options_of(TaskArgs)
    found = "cannot be changed once a run is launched" if is_option else "is not a limit of a run"
    return Problem(f"{found}{near}", key=f"task.{name}" if is_option else name)


def _set(tx: Transaction, run: int, limits: Mapping[str, Any]) -> list[LimitChange]:
    before = lock_run(tx, run)
    if before.status in ENDED_RUNS:
        raise ConflictError(
            f"run {run} is {before.status.value}; its limits can no longer be changed"
        )
    old, new = run_limits(before), _typed(tx, before, limits)
    changes = [
        LimitChange(name=name, old=old[name], new=value)
        for name, value in new.items()
        if value != old[name]
    ]
    if changes:
        _write(tx, before, changes)
    return changes


def _typed(tx: Transaction, run: RunRecord, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given limits as the task's options are typed and checked."""
    task, problems = _structured(run, limits)
    if task is None:
        raise UsageError(problems)
    typed = {name: getattr(task, name) for name in limits}
    if SPEND in typed:
        typed[SPEND] = typed[SPEND] or Decimal(0)
        to_minor(typed[SPEND], run.currency)
    problems = list(_endings(tx, run, typed))
    problems += [
        Problem("needs a number; 0 means no limit", key=f"task.{name}")
        for name in (CONCURRENT, UPLOADED)
        if name in typed and typed[name] is None
    ]
    if problems:
        raise UsageError(problems)
    return typed


def _structured(run: RunRecord, limits: Mapping[str, Any]) -> tuple[TaskArgs | None, list[Problem]]:
    return structure(
        TaskArgs,
        {**run.plan["task"], **limits},
        prefix="task",
        origins={},
        task_dir=Path(run.plan["task_dir"]),
    )


def _endings(tx: Transaction, run: RunRecord, limits: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each limit that would end the run at once."""
    remedy = f"`famulus finish {run.id}` ends the run"
    if LIFETIME in limits and _closes_at(run, limits[LIFETIME]) <= tx.now:
        message = f"{limits[LIFETIME]} seconds after the launch are over already; {remedy}"
        yield Problem(message, key=f"task.{LIFETIME}")
    if PATIENCE in limits and run.status in LIVE_RUNS:
        quiet = tx.now - quiet_since(tx, run)
        if quiet >= timedelta(seconds=limits[PATIENCE]):
            seconds = int(quiet.total_seconds())
            message = f"there was no submission for {seconds} seconds already; {remedy}"
            yield Problem(message, key=f"task.{PATIENCE}")


def _write(tx: Transaction, run: RunRecord, changes: list[LimitChange]) -> None:
    columns = {change.name: change.new for change in changes}
    if LIFETIME in columns:
        columns["closes_at"] = _closes_at(run, columns.pop(LIFETIME))
        move_end(tx, run.id, columns["closes_at"])
    if SPEND in columns:
        columns[SPEND] = to_minor(columns[SPEND], run.currency)
    if columns.get(WINDOW) and not run.max_num_concurrent_units:
        # Open units were not counted so far. This is at least as many, and adjust_window counts.
        columns["open_units"] = run.rows_loaded * run.units_per_assignment
    tx.execute(TaskRunTable.update(**columns).where(TaskRunTable.id == run.id))
    detail = {
        change.name: {"old": unstructure(change.old), "new": unstructure(change.new)}
        for change in changes
    }
    record(
        tx,
        NewEvent(
            run=run.id,
            subject="limits",
            subject_id=run.id,
            old=None,
            new="set",
            cause="limits",
            detail=detail,
        ),
    )
    if {WINDOW, SPEND} & columns.keys() and is_window_off(tx, run.id):
        adjust_window(tx, run.id)


def _closes_at(run: RunRecord, seconds: int) -> Any:
    return run.created_at + timedelta(seconds=seconds)
