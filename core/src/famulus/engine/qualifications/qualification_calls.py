"""The calls that copy a worker's qualifications and blocks to a platform."""

from __future__ import annotations

from typing import Any

from famulus.contracts.provider import Capabilities, Provider
from famulus.engine.outbox.platform_call import MirrorCall
from famulus.model.tables import GrantedQualificationTable, QualificationTable, WorkerTable
from famulus.model.transaction import Row, Transaction


class QualifyCall(MirrorCall):
    """Payload: ``worker`` and ``qualification``, both by row id."""

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return row.payload if capabilities.qualifications else None

    def _read_state(self, tx: Transaction, prepared: Any) -> Any:
        worker = tx.row(
            WorkerTable.select(WorkerTable.name).where(WorkerTable.id == prepared["worker"])
        )
        qualification = tx.row(
            QualificationTable.select(QualificationTable.name).where(
                QualificationTable.id == prepared["qualification"]
            )
        )
        if worker is None or qualification is None:
            return None
        granted = tx.row(
            GrantedQualificationTable.select(GrantedQualificationTable.value).where(
                GrantedQualificationTable.worker == prepared["worker"],
                GrantedQualificationTable.qualification == prepared["qualification"],
            )
        )
        return worker.name, qualification.name, None if granted is None else granted.value

    def _copy(self, provider: Provider, prepared: Any, state: Any) -> None:
        worker, qualification, value = state
        if value is None:
            provider.revoke(worker, qualification)
        else:
            provider.grant(worker, qualification, value)


class BlockCall(MirrorCall):
    """Payload: ``worker`` by row id, and ``reason``."""

    def _read_state(self, tx: Transaction, prepared: Any) -> Any:
        row = tx.row(
            WorkerTable.select(WorkerTable.name, WorkerTable.blocked).where(
                WorkerTable.id == prepared["worker"]
            )
        )
        return None if row is None else (row.name, bool(row.blocked))

    def _copy(self, provider: Provider, prepared: Any, state: Any) -> None:
        worker, blocked = state
        (provider.block if blocked else provider.unblock)(worker, prepared.get("reason", ""))
