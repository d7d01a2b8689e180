"""Verdicts in the payloads of outbox rows."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.outbox.stored_verdicts import dump_verdict, load_verdict
from famulus.errors import UnavailableError


@pytest.mark.parametrize(
    ("stored", "verdict"),
    [
        ({"verdict": "approved", "note": ""}, Approve()),
        ({"verdict": "rejected", "note": "It says nothing."}, Reject("It says nothing.")),
    ],
)
def test_rows_of_earlier_versions_are_read(stored: dict[str, str], verdict: Verdict) -> None:
    assert load_verdict({"visit": 7, "n": 1, **stored}) == verdict


@pytest.mark.parametrize(
    "verdict",
    [
        Approve(),
        ApprovePartially(Decimal("0.070")),
        RequestReturn("Please return it."),
        Reject("It says nothing."),
        Reject("It says nothing.", "LOW_EFFORT"),
    ],
)
def test_verdict_is_read_as_it_was_stored(verdict: Verdict) -> None:
    stored = dump_verdict(verdict)

    assert load_verdict(json.loads(json.dumps({"visit": 7, "n": 1, **stored}))) == verdict
    assert stored.keys() == {"verdict", "note", "amount", "category"}


def test_verdict_of_an_unknown_kind_is_not_taken_for_an_approval() -> None:
    with pytest.raises(UnavailableError, match="cannot deliver the verdict 'doubtful'"):
        load_verdict({"verdict": "doubtful", "note": ""})
