"""Names in the database that can no longer be entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import peewee

from famulus.model.database_kind import DatabaseKind
from famulus.model.tables import QualificationTable, RequesterTable, TaskTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.names import WHITE_SPACE, stripped
from famulus.operate.doctor.difference import Difference

_TABLES: Mapping[str, Any] = MappingProxyType(
    {
        "worker": WorkerTable,
        "requester": RequesterTable,
        "qualification": QualificationTable,
        "task": TaskTable,
    }
)


def of_names(tx: Transaction) -> Iterator[Difference]:
    """Find names with white space around them that the upgrade could not merge.

    The same name without the space exists as well, and work or money depends on both.
    """
    trim = peewee.fn.TRIM if tx.kind is DatabaseKind.SQLITE else peewee.fn.BTRIM
    for what, table in _TABLES.items():
        query = table.select(table.id, table.name).where(
            table.name != trim(table.name, WHITE_SPACE)
        )
        for row in tx.rows(query.order_by(table.id)):
            yield Difference(
                run=None,
                what=f"the {what} {row.name!r} (number {row.id}) is the same as "
                f"{stripped(row.name)!r}, and could not be merged with it",
                advice="references to it now mean the one without the space; work and payments "
                "of the other are unchanged",
            )
