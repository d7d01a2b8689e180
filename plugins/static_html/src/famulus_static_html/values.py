"""The values that fill a page, in addition to those that all pages have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What MTurk's results put before the names of the columns that were uploaded.
INPUT = "Input."
#: The name of the visit among the values that fill a page, as arguments of
#: :func:`famulus_static_html.mturk.visit_values`; no placeholder can have it.
VISIT = "{visit}"


def with_inputs(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row of MTurk's results with each ``Input.x`` also under the name ``x``."""
    inputs = {name[len(INPUT) :]: row[name] for name in row if name.startswith(INPUT)}
    return {**inputs, **row} if inputs else row
