"""Suggest what is meant by keys and types of a form that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

import famulus


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to a misspelt one, regardless of case, or None."""
    by_lower = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word.lower(), list(by_lower), 1)
    return by_lower[near[0]] if near else None


def without_unknown(
    file: famulus.OptionFile,
    key: str,
    raw: Mapping[str, Any],
    part: type[Any],
    others: Collection[str] = (),
) -> dict[str, Any]:
    """Return a part of a form without the keys that do not exist, which are refused.

    :param part: the class whose options the part has.
    :param others: keys that the part may have in addition to these options.
    """
    names = {each.name for each in attrs.fields(part)} | set(others)
    kept = {}
    for name, value in raw.items():
        if name in names:
            kept[name] = value
            continue
        near = nearest(str(name), names)
        hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(sorted(names))}"
        file.refuse(f"{key}.{name}" if key else name, f"unknown option; {hint}")
    return kept
