"""Verdicts in the payloads of outbox rows."""

from __future__ import annotations

import pytest

from famulus.contracts.visit_verdict import Approve, Reject, Verdict
from famulus.engine.outbox.stored_verdicts import dump_verdict, load_verdict


@pytest.mark.parametrize(
    ("stored", "verdict"),
    [
        ({"verdict": "approved", "note": ""}, Approve()),
        ({"verdict": "rejected", "note": "It says nothing."}, Reject("It says nothing.")),
    ],
)
def test_rows_of_earlier_versions_are_read_and_written_alike(
    stored: dict[str, str], verdict: Verdict
) -> None:
    assert load_verdict({"visit": 7, "n": 1, **stored}) == verdict
    assert dump_verdict(verdict) == stored


def test_verdict_of_an_unknown_kind_is_not_taken_for_an_approval() -> None:
    with pytest.raises(ValueError, match="'doubtful' is no verdict"):
        load_verdict({"verdict": "doubtful", "note": ""})
