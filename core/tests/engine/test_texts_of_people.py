"""Notes, reasons and descriptions are refused before a database refuses them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from famulus.engine.ledger.bonuses import check_amount
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.outside import mark_paid
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.grants import make_qualification
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.transaction import Transaction

WRITERS: dict[str, Callable[[Transaction, str], object]] = {
    "note": lambda tx, text: mark_paid(tx, [], text),
    "note of a review": lambda tx, text: decide(tx, 1, Decision.ACCEPTED, note=text),
    "reason": lambda _, text: check_amount(Decimal(1), text),
    "reason of a block": lambda tx, text: set_blocked(tx, worker=1, blocked=True, reason=text),
    "description": lambda tx, text: make_qualification(tx, "trained", text),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_text_that_a_database_cannot_hold_is_refused(writer: str, database: Database) -> None:
    what = writer.split(maxsplit=1)[0]
    # Bytes of Latin-1 on a command line, half of an emoji in JSON, and what PostgreSQL cannot hold.
    for char in ("\udce9", "\ud83d", "\0"):

        def job(tx: Transaction, text: str = f"caf{char} paid") -> object:
            return WRITERS[writer](tx, text)

        with pytest.raises(UsageError, match=rf"the {what} holds U\+{ord(char):04X}, "):
            database.write(job)
