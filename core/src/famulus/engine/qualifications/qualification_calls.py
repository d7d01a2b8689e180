"""The calls that copy a worker's qualifications and blocks to a platform."""

from __future__ import annotations

from typing import Any

from famulus.contracts.provider import Capabilities, Provider
from famulus.engine.platform.calls import MirrorCall
from famulus.model.tables import GrantedQualification, Qualification, Worker
from famulus.model.transaction import Row, Transaction


class QualifyCall(MirrorCall):
    """Payload: ``worker`` and ``qualification``, both by row id."""

    def prepare(self, tx: Transaction, row: Row, capabilities: Capabilities) -> Any:
        return row.payload if capabilities.qualifications else None

    def _read_state(self, tx: Transaction, prepared: Any) -> Any:
        worker = tx.row(Worker.select(Worker.name).where(Worker.id == prepared["worker"]))
        qualification = tx.row(
            Qualification.select(Qualification.name).where(
                Qualification.id == prepared["qualification"]
            )
        )
        if worker is None or qualification is None:
            return None
        granted = tx.row(
            GrantedQualification.select(GrantedQualification.value).where(
                GrantedQualification.worker == prepared["worker"],
                GrantedQualification.qualification == prepared["qualification"],
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
            Worker.select(Worker.name, Worker.blocked).where(Worker.id == prepared["worker"])
        )
        return None if row is None else (row.name, bool(row.blocked))

    def _copy(self, provider: Provider, prepared: Any, state: Any) -> None:
        worker, blocked = state
        (provider.block if blocked else provider.unblock)(worker, prepared.get("reason", ""))
