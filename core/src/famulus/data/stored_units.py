"""Units as users of the API read them: with the attempt that holds each, and its worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
from attrs import frozen

from famulus.data.unit_records import FileRecord, UnitRecord, read_files
from famulus.engine.qualifications.worker_handle import Worker
from famulus.engine.uploads import agent_folder
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import Agent as AgentTable
from famulus.model.tables import Assignment, Task, TaskRun
from famulus.model.tables import Unit as UnitTable
from famulus.model.tables import Worker as WorkerTable
from famulus.model.transaction import Row

#: Units of one look at the database: all that is ever held in memory.
_PAGE = 500


@frozen(kw_only=True)
class Agent:
    """One worker's attempt at a unit, as it was when it was read."""

    id: int
    status: AgentStatus
    worker: Worker
    started_at: datetime
    #: None while there are no answers
    submitted_at: datetime | None
    #: submitted after the worker's time was over
    late: bool
    #: the answers, as the blueprint's ``read_answers`` returned them; None while there are none
    outputs: Any
    files: Sequence[FileRecord]
    #: where the files lie, if there are any
    folder: Path

    def get_worker(self) -> Worker:
        """Return the worker."""
        return self.worker

    def get_data_dir(self) -> Path:
        """Return the folder that the attempt's files lie in, if there are any."""
        return self.folder


@frozen(kw_only=True)
class Unit:
    """One worker's slot in an assignment, as it was when it was read."""

    id: int
    task_name: str
    run_id: int
    assignment_id: int
    #: which of the run's assignments it belongs to, from 0, in the order of the data
    row: int
    #: which of the assignment's units it is, from 0
    index: int
    status: UnitStatus
    #: the assignment's row
    inputs: Mapping[str, Any]
    #: the attempt that holds the unit, or whose answers have completed it; None where nobody's does
    agent: Agent | None

    @property
    def outputs(self) -> Any:
        """The answers; None while there are none."""
        return None if self.agent is None else self.agent.outputs

    def get_assigned_agent(self) -> Agent | None:
        """Return the attempt that holds the unit, or whose answers have completed it."""
        return self.agent

    def to_dict(self) -> dict[str, Any]:
        """Return the unit under the keys that scripts written for other such tools know.

        ``data["inputs"]`` is the row and ``data["outputs"]`` the answers, with ``files`` and
        ``filesByFields`` for what was uploaded; ``status`` is that of the attempt (``approved``,
        not ``accepted``), times are seconds since 1970. Where there are no answers, what belongs
        to them is None.
        """
        agent = self.agent
        if agent is not None and agent.submitted_at is not None:
            return self._record(agent, agent.submitted_at).to_dict()
        times = {
            "task_start": None if agent is None else agent.started_at.timestamp(),
            "task_end": None,
        }
        return {
            "unit_id": self.id,
            "assignment_id": self.assignment_id,
            "worker_id": None if agent is None else agent.worker.id,
            "worker_name": None if agent is None else agent.worker.name,
            "status": None if agent is None else agent.status.value,
            **times,
            "data": {"inputs": dict(self.inputs), "outputs": None, "times": times},
            "file_directory": None if agent is None else str(agent.folder),
            "metadata": {**times, "tips": None, "feedback": None},
            "tips": None,
            "feedback": None,
        }

    def _record(self, agent: Agent, submitted_at: datetime) -> UnitRecord:
        return UnitRecord(
            id=self.id,
            task_name=self.task_name,
            run_id=self.run_id,
            assignment_id=self.assignment_id,
            index=self.index,
            status=self.status,
            worker=agent.worker,
            agent_id=agent.id,
            agent_status=agent.status,
            inputs=self.inputs,
            outputs=agent.outputs,
            late=agent.late,
            started_at=agent.started_at,
            submitted_at=submitted_at,
            files=agent.files,
            folder=agent.folder,
        )


def stored_units(database: Database, run: int, statuses: Sequence[UnitStatus]) -> Iterator[Unit]:
    """Stream the units of a run that have one of the statuses, in the order of the data.

    One query a page, and one for the files of its answers. Each unit is looked at once: one whose
    status changes meanwhile is neither left out for it nor there twice.
    """
    number, lane = -1, 0
    while True:
        with database.read() as tx:
            rows = tx.rows(_page(run, statuses, number, lane))
            files = read_files(tx, _answered(rows), database.files.absolute())
        for row in rows:
            yield _unit(database, row, files.get(row.agent, ()))
        if len(rows) < _PAGE:
            return
        number, lane = rows[-1].number, rows[-1].lane


def _page(run: int, statuses: Sequence[UnitStatus], number: int, lane: int) -> Any:
    """Select the next units after that of an assignment's number, and of its units ``lane``.

    Assignments come first: by their index, and nothing is sorted.
    """
    later_lane = (Assignment.number == number) & (UnitTable.lane > lane)
    return (
        Assignment.select(
            Assignment.id.alias("assignment"),
            Assignment.number,
            Assignment.data,
            UnitTable.id.alias("unit"),
            UnitTable.lane,
            UnitTable.status,
            UnitTable.run.alias("run"),
            Task.name.alias("task"),
            AgentTable.id.alias("agent"),
            AgentTable.status.alias("agent_status"),
            AgentTable.started_at,
            AgentTable.submitted_at,
            AgentTable.late,
            AgentTable.answers,
            WorkerTable.id.alias("worker"),
            WorkerTable.name,
            WorkerTable.provider_type,
        )
        .join(UnitTable, on=(UnitTable.assignment == Assignment.id))
        .join(TaskRun, on=(Assignment.run == TaskRun.id))
        .join(Task, on=(TaskRun.task == Task.id))
        .join(AgentTable, peewee.JOIN.LEFT_OUTER, on=(UnitTable.agent_id == AgentTable.id))
        .join(WorkerTable, peewee.JOIN.LEFT_OUTER, on=(AgentTable.worker == WorkerTable.id))
        .where(
            Assignment.run == run,
            Assignment.number >= number,
            (Assignment.number > number) | later_lane,
            UnitTable.status << list(statuses),
        )
        .order_by(Assignment.number, UnitTable.lane)
        .limit(_PAGE)
    )


def _answered(rows: Sequence[Row]) -> list[int]:
    return [row.agent for row in rows if row.submitted_at is not None]


def _unit(database: Database, row: Row, files: Sequence[FileRecord]) -> Unit:
    return Unit(
        id=row.unit,
        task_name=row.task,
        run_id=row.run,
        assignment_id=row.assignment,
        row=row.number,
        index=row.lane,
        status=row.status,
        inputs=row.data,
        agent=None if row.agent is None else _agent(database, row, files),
    )


def _agent(database: Database, row: Row, files: Sequence[FileRecord]) -> Agent:
    return Agent(
        id=row.agent,
        status=row.agent_status,
        worker=Worker(
            id=row.worker, name=row.name, provider_type=row.provider_type, database=database
        ),
        started_at=row.started_at,
        submitted_at=row.submitted_at,
        late=bool(row.late),
        outputs=row.answers,
        files=files,
        folder=agent_folder(database.files.absolute(), row.run, row.agent),
    )
