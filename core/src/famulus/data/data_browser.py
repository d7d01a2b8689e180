"""DataBrowser: tasks, units, answers and workers of a database, for Python programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from famulus.data.browser_units import Unit, browser_units
from famulus.data.filters import unit_statuses
from famulus.data.qualification_list import holders_of
from famulus.data.scope import find_scope
from famulus.engine.qualifications.grants import find_qualification
from famulus.engine.qualifications.worker_handle import Worker
from famulus.engine.runs import find_run
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import DONE_UNITS, UnitStatus
from famulus.model.tables import QualificationTable, TaskTable
from famulus.names import read_name
from famulus.options.requirements import check_value
from famulus.options.suggest import did_you_mean


class DataBrowser:
    """Read tasks, units, answers and workers of one database.

    Methods that return units stream them, run by run, in the order of the data; the units of one
    assignment are adjacent. Only one page is in memory, and no transaction stays open between two
    units. Use ``list(…)`` if there are few units.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def get_task_name_list(self) -> list[str]:
        """Return the names of all tasks, sorted; none if the database does not exist yet."""
        if not self.database.exists:
            return []
        with self.database.read() as tx:
            return [
                row.name
                for row in tx.rows(TaskTable.select(TaskTable.name).order_by(TaskTable.name))
            ]

    def get_units_for_task_name(self, task_name: str) -> Iterator[Unit]:
        """Stream the units of all runs of a task that have answers, reviewed or not.

        :raises famulus.NotFoundError: when there is no such task.
        """
        return self._units(self._runs(task_name), DONE_UNITS)

    def get_all_units_for_task_name(self, task_name: str) -> Iterator[Unit]:
        """Stream all units of all runs of a task, including free, assigned and expired units.

        :raises famulus.NotFoundError: when there is no such task.
        """
        return self._units(self._runs(task_name), tuple(UnitStatus))

    def get_units_for_run_id(self, run_id: int) -> Iterator[Unit]:
        """Stream the units of a run that have answers.

        :raises famulus.NotFoundError: when there is no such run.
        """
        return self.collect_matching_units_from_task_runs([run_id], DONE_UNITS)

    def collect_matching_units_from_task_runs(
        self, run_ids: Iterable[int], statuses: Collection[UnitStatus | str]
    ) -> Iterator[Unit]:
        """Stream the units of several runs that have one of the statuses.

        :param run_ids: numbers of runs, as ``list_runs`` returns them.
        :raises famulus.NotFoundError: when there is no such run.
        :raises famulus.UsageError: when there is no such status.
        """
        runs = [find_run(self.database, run).id for run in run_ids]
        return self._units(runs, unit_statuses(statuses))

    @staticmethod
    def get_data_from_unit(unit: Unit, raise_exception: bool = True) -> dict[str, Any]:
        """Return :meth:`Unit.to_dict` of a unit that has answers.

        :param raise_exception: whether a unit without answers is an error; otherwise the values
            about answers are None.
        :raises famulus.ConflictError: when the unit has no answers.
        """
        if raise_exception and (unit.agent is None or unit.agent.submitted_at is None):
            raise ConflictError(f"unit {unit.id} is {unit.status}: it has no answers")
        return unit.to_dict()

    def get_workers_with_qualification(
        self, qualification_name: str, *, value: int | None = None
    ) -> Iterator[Worker]:
        """Stream the workers who have a qualification, with any value.

        Workers who have failed an onboarding have its qualification with the value 0.

        :param value: only workers whose qualification has this value.
        :raises famulus.NotFoundError: when there is no such qualification.
        :raises famulus.UsageError: when no qualification can have this value.
        """
        if value is not None:
            check_value(value)
        qualification_name = read_name(qualification_name, "qualification_name")
        self._check_qualification(qualification_name)
        return (
            holder.worker for holder in holders_of(self.database, qualification_name, value=value)
        )

    def get_metadata_property_from_task_name(self, task_name: str, property_name: str) -> NoReturn:
        """Raise an error: no tips, feedback or opinions are stored apart from the answers.

        To ask workers for them, add a field to the task's form.

        :raises famulus.NotFoundError: when there is no such task.
        :raises famulus.UsageError: otherwise.
        """
        self._runs(task_name)
        raise UsageError(
            f"{property_name!r} is not stored; answers to the form's questions are in the outputs "
            f"of the units of {task_name!r}"
        )

    def _units(self, runs: Iterable[int], statuses: Sequence[UnitStatus]) -> Iterator[Unit]:
        return (unit for run in runs for unit in browser_units(self.database, run, statuses))

    def _runs(self, task_name: str) -> Sequence[int]:
        return find_scope(self.database, task_name).runs

    def _check_qualification(self, name: str) -> None:
        known: set[str] = set()
        if self.database.exists:
            with self.database.read() as tx:
                if find_qualification(tx, name) is not None:
                    return
                query = QualificationTable.select(QualificationTable.name)
                known = {row.name for row in tx.rows(query)}
        raise NotFoundError(f"there is no qualification {name!r}{did_you_mean(name, known)}")
