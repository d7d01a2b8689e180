"""Prolific's list of filters, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi


def matching_filters(api: ProlificApi, words: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the filters whose id, title or question contains each of the words, in any case."""
    wanted = [each.casefold() for each in words]
    return [
        each
        for each in api.pages("filters/")
        if all(word in _searched(each).casefold() for word in wanted)
    ]


def filter_lines(found: Mapping[str, Any], *, is_whole: bool) -> Iterator[str]:
    """Yield the lines of a filter.

    :param is_whole: whether to add the values that can be selected.
    """
    yield f"{found['filter_id']}: {found.get('title') or 'without a title'}"
    if not is_whole:
        return
    if found.get("question"):
        yield f"  {found['question']}"
    if found.get("type") == "range":
        bounds = [found.get("min"), found.get("max")]
        lowest, highest = ("?" if each is None else each for each in bounds)
        yield f"  selected_range: lower and upper, from {lowest} to {highest}"
        return
    choices = found.get("choices") or {}
    yield f"  selected_values{': a list of ids' if not choices else ', of:'}"
    for key, text in choices.items():
        yield f'    "{key}"  {text}'


def _searched(found: Mapping[str, Any]) -> str:
    return " ".join(str(found.get(name) or "") for name in ("filter_id", "title", "question"))
