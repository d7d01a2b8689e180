"""Submitted work as reviews and listeners get it, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import famulus

_WHEN = datetime(2030, 1, 1, tzinfo=UTC)


def submitted_unit(
    answers: Any, data: Mapping[str, Any] | None = None, **others: Any
) -> famulus.SubmittedUnit:
    """Return a unit with these answers. ``others`` are further fields, such as its language."""
    return famulus.SubmittedUnit(**{
        "id": 1,
        "assignment_id": 1,
        "index": 0,
        "data": data or {},
        "agent_id": 1,
        "worker": famulus.WorkerView(id=1, name="Zoe", provider_type="mock"),
        "answers": answers,
        "late": False,
        "started_at": _WHEN,
        "submitted_at": _WHEN,
        **others,
    })  # fmt: skip
