"""The class that delivers each kind of outbox row."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from famulus.engine.ledger.payment_calls import PayCall
from famulus.engine.ledger.verdict_calls import DecideCall
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.platform_call import OutboxCall
from famulus.engine.places.place_calls import (
    EndPlacesCall,
    MoveEndCall,
    PausePlacesCall,
    SetPlacesCall,
)
from famulus.engine.platform.cleanup import CleanUpCall
from famulus.engine.qualifications.qualification_calls import BlockCall, QualifyCall

OUTBOX_CALLS: Mapping[str, OutboxCall] = MappingProxyType(
    {
        OutboxKind.SET_PLACES: SetPlacesCall(),
        OutboxKind.MOVE_END: MoveEndCall(),
        OutboxKind.PAUSE_PLACES: PausePlacesCall(),
        OutboxKind.END_PLACES: EndPlacesCall(),
        OutboxKind.DISPOSE: CleanUpCall(),
        OutboxKind.DECIDE: DecideCall(),
        OutboxKind.PAY: PayCall(),
        OutboxKind.QUALIFY: QualifyCall(),
        OutboxKind.BLOCK: BlockCall(),
    }
)
