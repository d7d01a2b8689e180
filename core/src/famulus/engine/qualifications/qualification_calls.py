"""The calls that copy a worker's qualifications and blocks to a platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    GrantView,
    Outcome,
    Result,
)
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.platform_call import CallResult, MirrorCall
from famulus.model.tables import GrantedQualificationTable, QualificationTable, WorkerTable
from famulus.model.transaction import Row, Transaction


class QualifyCall(MirrorCall):
    """Payload: ``worker`` and ``qualification``, both by row id."""

    def batch_size(self, provider: Provider) -> int:
        return provider.batch_size

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

    def _copy(self, provider: Provider, states: Sequence[Any]) -> Iterator[tuple[Any, CallResult]]:
        granted = [state for state in states if state[2] is not None]
        revoked = [state for state in states if state[2] is None]
        for call, some in ((provider.grant, granted), (provider.revoke, revoked)):
            asked = {str(number): state for number, state in enumerate(some)}
            views = [
                GrantView(key=key, worker_name=worker, qualification=name, value=value or 0)
                for key, (worker, name, value) in asked.items()
            ]
            if views:
                yield from read_results(partial(call, views), asked)


class BlockCall(MirrorCall):
    """Payload: ``worker`` by row id, and ``reason``."""

    def _read_state(self, tx: Transaction, prepared: Any) -> Any:
        row = tx.row(
            WorkerTable.select(WorkerTable.name, WorkerTable.blocked).where(
                WorkerTable.id == prepared["worker"]
            )
        )
        return None if row is None else (row.name, bool(row.blocked), prepared.get("reason", ""))

    def _copy(self, provider: Provider, states: Sequence[Any]) -> Iterable[tuple[Any, CallResult]]:
        def call() -> Iterator[tuple[str, Result]]:
            for worker, blocked, reason in states:
                (provider.block if blocked else provider.unblock)(worker, reason)
                yield worker, Outcome.CONFIRMED

        return read_results(call, {state[0]: state for state in states})
