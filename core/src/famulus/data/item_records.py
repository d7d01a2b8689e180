"""Export records split into one record for each item of a list in their inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: The key of an item's number in its record, from 0.
ITEM = "item"


def records_of_items(records: Iterable[Mapping[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """Yield one record for each item of the list ``name``, with the item's values merged into it.

    The list may be in the inputs, the outputs or both; items at the same position belong together.
    A record without such a list is not split, and its item is None.
    """
    for record in records:
        inputs, outputs = record["inputs"], record["outputs"]
        rows, answers = _items(inputs, name), _items(outputs, name)
        if not rows and not answers:
            yield _with(record, None, inputs, outputs)
            continue
        for number in range(max(len(rows), len(answers))):
            yield _with(
                record,
                number,
                _item(inputs, name, rows, number),
                _item(outputs, name, answers, number),
            )


def _items(whole: Any, name: str) -> list[Any]:
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return found if isinstance(found, list) else []


def _item(whole: Any, name: str, items: list[Any], number: int) -> Any:
    """Return the whole without its list, updated with the values of one item."""
    if not items or not isinstance(whole, Mapping):
        return whole
    rest = {key: value for key, value in whole.items() if key != name}
    item = items[number] if number < len(items) else {}
    return {**rest, **(item if isinstance(item, Mapping) else {name: item})}


def _with(
    record: Mapping[str, Any], number: int | None, inputs: Any, outputs: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in record.items():
        if key == "inputs":
            found[ITEM] = number
        found[key] = value
    return {**found, "inputs": inputs, "outputs": outputs}
