"""Units with the answers that completed them, as records and as dictionaries with the old keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import frozen

from famulus.contracts.views import SubmittedUnit, WorkerView
from famulus.engine.answered import holds_answer
from famulus.engine.uploads import agent_folder
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import Agent, Assignment, Task, TaskRun, Unit, Upload, Worker
from famulus.model.transaction import Row, Transaction


@frozen(kw_only=True)
class FileRecord:
    """One uploaded file."""

    #: the name of the form's field
    field: str
    #: as the worker's browser gave it
    name: str
    #: as the worker's browser gave it
    content_type: str
    #: in bytes
    size: int
    #: of the content, in hexadecimal
    sha256: str
    #: where its bytes lie
    path: Path


@frozen(kw_only=True)
class UnitRecord:
    """A unit and the answers that completed it."""

    id: int
    task_name: str
    run_id: int
    assignment_id: int
    #: which of the assignment's units it is, from 0
    index: int
    status: UnitStatus
    worker: WorkerView
    agent_id: int
    agent_status: AgentStatus
    #: the assignment's row
    inputs: Mapping[str, Any]
    #: what the blueprint's ``read_answers`` returned
    outputs: Any
    #: submitted after the worker's time was over
    late: bool
    started_at: datetime
    submitted_at: datetime
    files: Sequence[FileRecord]
    #: where the worker's files lie, if there are any
    folder: Path

    @property
    def unanswered(self) -> bool:
        """Whether there is no answer: no value that is not blank, and no file."""
        return not self.files and not holds_answer(self.outputs)

    @property
    def duration(self) -> timedelta:
        """How long the worker had the unit."""
        return self.submitted_at - self.started_at

    @property
    def submitted(self) -> SubmittedUnit:
        """The unit as a blueprint's ``show`` and listeners get it."""
        return SubmittedUnit(
            id=self.id,
            assignment_id=self.assignment_id,
            index=self.index,
            data=self.inputs,
            agent_id=self.agent_id,
            worker=self.worker,
            answers=self.outputs,
            late=self.late,
            started_at=self.started_at,
            submitted_at=self.submitted_at,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the unit under the keys that scripts written for other such tools know.

        ``status`` is what became of the worker's attempt (``approved``, not ``accepted``), times
        are seconds since 1970. The outputs have two keys more than the answers, unless the form
        itself had a field of that name: ``files``, the paths of the uploaded files, and
        ``filesByFields``, what is known of each.
        """
        start, end = self.started_at.timestamp(), self.submitted_at.timestamp()
        times = {"task_start": start, "task_end": end}
        return {
            "unit_id": self.id,
            "assignment_id": self.assignment_id,
            "worker_id": self.worker.id,
            "worker_name": self.worker.name,
            "status": self.agent_status.value,
            **times,
            "data": {"inputs": dict(self.inputs), "outputs": self._outputs(), "times": times},
            "file_directory": str(self.folder),
            "metadata": {**times, "tips": None, "feedback": None},
            "tips": None,
            "feedback": None,
        }

    def _outputs(self) -> Any:
        if not isinstance(self.outputs, Mapping):
            return self.outputs
        by_fields: dict[str, list[dict[str, Any]]] = {}
        for file in self.files:
            by_fields.setdefault(file.field, []).append(
                {
                    "originalname": file.name,
                    "mimetype": file.content_type,
                    "filename": file.path.name,
                    "path": str(file.path),
                    "size": file.size,
                }
            )
        paths = [str(file.path) for file in self.files]
        return {"files": paths, "filesByFields": by_fields, **self.outputs}


def select_records() -> Any:
    """Return the query of units with the answers that completed them; late answers that did not
    are left out. :func:`unit_records` reads its rows.
    """
    return (
        Agent.select(
            Agent.id.alias("agent"),
            Agent.status.alias("agent_status"),
            Agent.started_at,
            Agent.submitted_at,
            Agent.late,
            Agent.answers,
            Agent.run.alias("run"),
            Unit.id.alias("unit"),
            Unit.lane,
            Unit.status,
            Unit.assignment.alias("assignment"),
            Assignment.data,
            Worker.id.alias("worker"),
            Worker.name,
            Worker.provider_type,
            Task.name.alias("task"),
        )
        .join(Unit, on=((Agent.unit == Unit.id) & (Unit.agent_id == Agent.id)))
        .join(Assignment, on=(Unit.assignment == Assignment.id))
        .join(Worker, on=(Agent.worker == Worker.id))
        .join(TaskRun, on=(Agent.run == TaskRun.id))
        .join(Task, on=(TaskRun.task == Task.id))
    )


def unit_records(tx: Transaction, rows: Sequence[Row], folder: Path) -> list[UnitRecord]:
    """Make records of rows of :func:`select_records`, in their order.

    :param folder: the database's folder of files.
    """
    files = read_files(tx, [row.agent for row in rows], folder.absolute())
    return [_record(row, files.get(row.agent, []), folder.absolute()) for row in rows]


def read_files(tx: Transaction, agents: Sequence[int], folder: Path) -> dict[int, list[FileRecord]]:
    """Return the files that came with the answers of attempts, by attempt."""
    if not agents:
        return {}
    query = (
        Upload.select(
            Upload.agent.alias("agent"),
            Upload.field,
            Upload.filename,
            Upload.content_type,
            Upload.size,
            Upload.sha256,
            Upload.path,
        )
        .where(Upload.agent << list(agents))
        .order_by(Upload.id)
    )
    found: dict[int, list[FileRecord]] = {}
    for row in tx.rows(query):
        record = FileRecord(
            field=row.field,
            name=row.filename,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            path=folder / row.path,
        )
        found.setdefault(row.agent, []).append(record)
    return found


def _record(row: Row, files: Sequence[FileRecord], folder: Path) -> UnitRecord:
    return UnitRecord(
        id=row.unit,
        task_name=row.task,
        run_id=row.run,
        assignment_id=row.assignment,
        index=row.lane,
        status=row.status,
        worker=WorkerView(id=row.worker, name=row.name, provider_type=row.provider_type),
        agent_id=row.agent,
        agent_status=row.agent_status,
        inputs=row.data,
        outputs=row.answers,
        late=bool(row.late),
        started_at=row.started_at,
        submitted_at=row.submitted_at,
        files=files,
        folder=agent_folder(folder, row.run, row.agent),
    )
