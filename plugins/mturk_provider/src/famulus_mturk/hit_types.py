"""HIT types: the properties that all HITs of a run share, and by which MTurk groups them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus_mturk.tables import MturkRun

if TYPE_CHECKING:
    from famulus import Database, RunView, Transaction
    from famulus_mturk.calls import Mturk
    from famulus_mturk.qualifications import Qualifications

_CENTS = Decimal("0.01")


@frozen(kw_only=True)
class HitTypes:
    """Registers the HIT type of a run, once.

    MTurk returns the same type for equal properties, so that a retry after a crash is harmless.
    """

    mturk: Mturk
    database: Database
    qualifications: Qualifications
    auto_approval_delay: int

    def of(self, run: RunView) -> str:
        """Return the id of a run's HIT type, which is registered if necessary."""
        known = self.known(run.id)
        if known is not None:
            return known
        task = run.plan.task
        answer = self.mturk.call(
            "create_hit_type",
            Title=(task.task_title or "").strip(),
            Description=(task.task_description or "").strip(),
            Reward=str((task.task_reward or Decimal(0)).quantize(_CENTS)),
            Keywords=(task.task_tags or "").strip(),
            AssignmentDurationInSeconds=task.assignment_duration_in_seconds,
            AutoApprovalDelayInSeconds=self.auto_approval_delay,
            QualificationRequirements=self.qualifications.requirements(run),
        )
        hit_type = str(answer["HITTypeId"])
        self.database.write(lambda tx: _note(tx, run.id, hit_type))
        return hit_type

    def known(self, run: int) -> str | None:
        """Return the id of a run's HIT type; None until it is registered."""
        row = self._row(run)
        return None if row is None else str(row.hit_type_id)

    def group(self, run: int) -> str:
        """Return the id of a run's group of HITs; empty until its first HIT exists."""
        return read_group(self.database, run)

    def note_group(self, run: int, group: str) -> None:
        """Store the group that MTurk has assigned to a run's HITs."""
        query = MturkRun.update(group_id=group).where(
            MturkRun.run_id == run, MturkRun.group_id == ""
        )
        self.database.write(lambda tx: tx.execute(query))

    def _row(self, run: int) -> Any:
        return _read(self.database, run)


def read_group(database: Database, run: int) -> str:
    """Return the id of a run's group of HITs; empty until its first HIT exists."""
    row = _read(database, run)
    return "" if row is None else str(row.group_id)


def _read(database: Database, run: int) -> Any:
    with database.read() as tx:
        return tx.row(MturkRun.select().where(MturkRun.run_id == run))


def _note(tx: Transaction, run: int, hit_type: str) -> None:
    tx.execute(MturkRun.insert(run_id=run, hit_type_id=hit_type, group_id="").on_conflict_ignore())
