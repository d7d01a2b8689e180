"""Which of a worker's units one is, and how many they may do at most."""

from __future__ import annotations

import peewee
from attrs import frozen

from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, LoadingStatus
from famulus.model.tables import Agent, Participation, TaskRun, literal
from famulus.model.transaction import Transaction

_Other = Participation.alias()
_IN_TASK = _Other.select(peewee.fn.SUM(_Other.done_units + _Other.open_units)).where(
    _Other.worker == Participation.worker, _Other.task == Participation.task
)
_NEWER_OPEN = Agent.select(peewee.fn.COUNT(Agent.id)).where(
    Agent.worker == Participation.worker,
    Agent.run == Participation.run,
    Agent.id > Param("agent"),
    Agent.status == literal(AgentStatus.IN_TASK),
)
_COUNTERS = Statement(
    Participation.select(
        Participation.open_units + Participation.done_units,
        Participation.assignments,
        _IN_TASK,
        _NEWER_OPEN,
        TaskRun.maximum_units_per_worker,
        TaskRun.loading,
        TaskRun.rows_loaded,
    )
    .join(TaskRun, on=(Participation.run == TaskRun.id))
    .where(Participation.run == Param("run"), Participation.worker == Param("worker"))
)


@frozen(kw_only=True)
class UnitNumber:
    """Which of its worker's units one is."""

    #: 1 for the first
    number: int
    #: the most that the worker can get, since others may take what is left; None where that is
    #: unknown, while rows are being loaded and no maximum is set
    most: int | None


def number_unit(taken: int, tried: int, *, maximum: int, rows: int | None) -> UnitNumber:
    """Return the number of the unit that a worker has taken last.

    :param taken: units that the worker has done or has open, this one among them: of the task where
        a maximum is set, otherwise of the run.
    :param tried: assignments of the run that the worker cannot get again, this one among them.
    :param maximum: units that one worker may do of the task; 0 for no limit.
    :param rows: assignments of the run; None while some of them may be still to come.
    """
    bounds = [maximum] if maximum else []
    if rows is not None:
        bounds.append(taken + rows - tried)
    return UnitNumber(number=taken, most=max(min(bounds), taken) if bounds else None)


def read_unit_number(tx: Transaction, *, run: int, worker: int, agent: int) -> UnitNumber | None:
    """Return the number of the unit of an attempt that is open already."""
    row = tx.one(_COUNTERS, run=run, worker=worker, agent=agent)
    if row is None:
        return None
    in_run, tried, in_task, newer, maximum, loading, rows = row
    found = number_unit(
        int(in_task) if maximum else in_run,
        tried,
        maximum=maximum,
        rows=rows if loading == LoadingStatus.COMPLETE else None,
    )
    return UnitNumber(number=max(found.number - newer, 1), most=found.most)
