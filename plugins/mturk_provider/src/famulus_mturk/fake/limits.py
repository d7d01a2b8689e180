"""Bounds that AWS's documentation states and the service model leaves out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from famulus_mturk.fake.errors import bad_value

_YEAR = 31_536_000

#: the least and the most, in seconds or in number
_RANGES = {
    "AssignmentDurationInSeconds": (30, _YEAR),
    "AutoApprovalDelayInSeconds": (0, 2_592_000),
    "LifetimeInSeconds": (30, _YEAR),
    "MaxAssignments": (1, 1_000_000_000),
}
#: the fewest and the most characters
_LENGTHS = {
    "Title": (1, 128),
    "Description": (1, 2000),
    "Keywords": (0, 1000),
    "RequesterAnnotation": (0, 255),
    "RequesterFeedback": (1, 1024),
    "Reason": (1, 4096),
    "Name": (1, 200),
    "Subject": (1, 200),
    "MessageText": (1, 4096),
}
#: no character of XML 1.0
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_BREAK = re.compile(r"[\t\n\r]")
_OF_ONE_LINE = frozenset({"Title", "Keywords", "Name"})


def check_sizes(parameters: Mapping[str, Any]) -> None:
    """Refuse numbers and texts outside the documented bounds."""
    for name, value in parameters.items():
        if name in _RANGES:
            _check(name, value, _RANGES[name], f"{value}")
        elif name in _LENGTHS:
            _check(name, len(value.strip()), _LENGTHS[name], f"its length of {len(value)}")
            if _CONTROL.search(value) or (name in _OF_ONE_LINE and _BREAK.search(value.strip())):
                raise bad_value(name, "it has a control character")


def _check(name: str, size: int, bounds: tuple[int, int], what: str) -> None:
    least, most = bounds
    if not least <= size <= most:
        raise bad_value(name, f"{what} is not between {least} and {most}")
