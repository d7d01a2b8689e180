"""Answers with names like ``sentiment.label``, as ``answer-format="flatten-objects"`` asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flat(answers: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each part of nested answers."""
    for name, value in answers.items():
        if isinstance(value, Mapping) and "sha256" not in value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def nested(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return flattened answers as nested ones; a name that contains a dot is also kept as it is."""
    found: dict[str, Any] = {}
    for path, value in answers.items():
        found[path] = value
        *parents, last = path.split(".")
        place = found
        for parent in parents:
            child = place.setdefault(parent, {})
            if not isinstance(child, dict):
                break
            place = child
        else:
            place[last] = value
    return found
