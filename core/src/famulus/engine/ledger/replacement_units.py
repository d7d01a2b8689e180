"""Units that replace completed units after the platform has sold their visit's place again.

A platform does that when a visit is rejected, or screened out after its work was submitted. The
unit keeps its answers and its decision. Its replacement is another unit of the same slot of the
assignment, numbered by ``UnitTable.replacement``: the index ``unit_lane`` allows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from famulus.engine.ledger.budget import read_budget
from famulus.engine.runs import lock_run
from famulus.engine.status import NewEvent, change_units_together, record
from famulus.engine.units import NextOfSlot, is_next_of_slot, move_to_end
from famulus.engine.visits import read_visit
from famulus.model.statements import for_update
from famulus.model.states import DONE_UNITS, ENDED_RUNS, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, TaskRunTable, UnitTable, literal, literals
from famulus.model.transaction import Row, Transaction

_CAUSES: Mapping[VisitStatus, str] = MappingProxyType(
    {VisitStatus.REJECTED: "rejection", VisitStatus.SCREENED_OUT: "screen-out"}
)
#: Visits that have their place on the platform, or may have it.
_IN_PLACE = (
    VisitStatus.ACCEPTED,
    VisitStatus.SUBMITTED,
    VisitStatus.APPROVED,
    VisitStatus.PARTIALLY_APPROVED,
)


def match_replacements(tx: Transaction, run: int, visit: int) -> None:
    """Offer completed work of a visit again if its place is sold again, else withdraw the offer.

    For platforms that sell the places of rejected visits again. The visit must be locked.
    """
    status = read_visit(tx, visit).status
    if status in _CAUSES:
        replace_units(tx, run, visit, _CAUSES[status])
    elif status in _IN_PLACE:
        _withdraw_replacements(tx, run, visit)


def replace_units(tx: Transaction, run: int, visit: int, cause: str = "rejection") -> None:
    """Offer each unit that a visit has completed to other workers, as a replacement unit.

    Each unit is offered once, and none if the run is over. The visit must be locked; the run is
    locked here, as by a finish.
    """
    run_row = lock_run(tx, run)
    if run_row.status in ENDED_RUNS:
        return
    done = _done_units(tx, visit)
    made = [number for number in (_make_replacement(tx, run, unit) for unit in done) if number]
    if made:
        event = NewEvent(
            run=run,
            subject="unit",
            subject_id=None,
            new=UnitStatus.CREATED.value,
            cause=cause,
            count=len(made),
        )
        record(tx, event)
    expired = [row.id for row in _replacements(tx, done, UnitStatus.EXPIRED)]
    change_units_together(
        tx, run=run, units=expired, old=UnitStatus.EXPIRED, new=UnitStatus.CREATED, cause=cause
    )
    offer_again(tx, run, [*made, *expired], cause)


def offer_again(tx: Transaction, run: int, units: Sequence[int], cause: str) -> None:
    """Release waiting units within the budget, even if the run's window is full.

    A worker comes for each, since the platform sells its place again by itself. Later releases are
    smaller by the same number.
    """
    budget = read_budget(tx, run)
    released = units if budget is None else units[: budget.room]
    if not released:
        return
    move_to_end(tx, run, released)
    old, new = UnitStatus.CREATED, UnitStatus.LAUNCHED
    count = change_units_together(tx, run=run, units=released, old=old, new=new, cause=cause)
    tx.execute(
        TaskRunTable.update(open_units=TaskRunTable.open_units + count).where(
            TaskRunTable.id == run, TaskRunTable.max_num_concurrent_units > 0
        )
    )


def _withdraw_replacements(tx: Transaction, run: int, visit: int) -> None:
    """Expire the replacements of a visit's units that no worker has begun."""
    for old in (UnitStatus.CREATED, UnitStatus.LAUNCHED):
        free = [row.id for row in _replacements(tx, _done_units(tx, visit), old)]
        new, cause = UnitStatus.EXPIRED, "rejection undone"
        change_units_together(tx, run=run, units=free, old=old, new=new, cause=cause)


def _done_units(tx: Transaction, visit: int) -> list[Row]:
    return tx.rows(
        UnitTable.select(
            UnitTable.id,
            UnitTable.assignment.alias("assignment"),
            UnitTable.lane,
            UnitTable.position,
            UnitTable.replacement,
        )
        .join(
            AgentTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id)
        )
        .where(AgentTable.visit == visit, UnitTable.status << literals(*DONE_UNITS))
        .order_by(UnitTable.id)
    )


def _make_replacement(tx: Transaction, run: int, unit: Row) -> int | None:
    """Store the replacement of a unit; return its number, or None if it has one."""
    query = (
        UnitTable.insert(
            run=run,
            assignment=unit.assignment,
            lane=unit.lane,
            replacement=unit.replacement + 1,
            position=unit.position,
            status=UnitStatus.CREATED,
        )
        .on_conflict_ignore()
        .returning(UnitTable.id)
    )
    row = tx.execute(query).fetchone()
    return None if row is None else int(row[0])


def _replacements(tx: Transaction, units: Sequence[Row], status: UnitStatus) -> list[Row]:
    """Lock and return the replacements of units that have a status.

    Replacements that other transactions have locked are left out: a worker is beginning them.
    """
    query = (
        NextOfSlot.select(NextOfSlot.id)
        .join(UnitTable, on=is_next_of_slot)
        .where(UnitTable.id << [unit.id for unit in units], NextOfSlot.status == literal(status))
        .order_by(NextOfSlot.id)
    )
    return tx.rows(for_update(query, tx.kind, of=NextOfSlot, skip_locked=True))
