"""Whether answers are right: they are compared with what the author has declared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def are_right(answers: Any, correct: Mapping[str, Any]) -> bool:
    """Return whether all declared right answers were given; False if none is declared."""
    return bool(correct) and is_right(answers, correct)


def wrong_answers(answers: Any, correct: Mapping[str, Any]) -> list[str]:
    """Return the names of the answers that are not right."""
    found = answers if isinstance(answers, Mapping) else {}
    return [name for name, value in correct.items() if not is_right(found.get(name), value)]


def is_right(answer: Any, right: Any) -> bool:
    """Return whether an answer is a right one.

    In objects, only the keys that ``right`` names count. If ``answer`` is a list, ``right`` has the
    same items in any order, or is a list of several such lists. Otherwise, a list contains several
    right answers. Numbers and truth values may be text, as from the command line.
    """
    if isinstance(right, Mapping):
        return isinstance(answer, Mapping) and all(
            key in answer and is_right(answer[key], value) for key, value in right.items()
        )
    if isinstance(right, list):
        if not isinstance(answer, list) or (
            right and all(isinstance(each, list) for each in right)
        ):
            return any(is_right(answer, each) for each in right)
        return len(answer) == len(right) and all(
            any(is_right(each, value) for each in answer) for value in right
        )
    if isinstance(answer, str) and isinstance(right, str):
        return _folded(answer) == _folded(right)
    answer, right = typed(answer), typed(right)
    if isinstance(right, bool) or isinstance(answer, bool):
        return answer is right
    return bool(answer == right)


def alternatives(right: Any) -> Iterator[Any]:
    """Yield variants of a right answer, with one item of each list; together, all items."""
    if isinstance(right, list):
        for each in right:
            yield from alternatives(each)
    elif isinstance(right, Mapping):
        several = {key: list(alternatives(value)) or [value] for key, value in right.items()}
        first = {key: values[0] for key, values in several.items()}
        yield first
        for key, values in several.items():
            yield from ({**first, key: value} for value in values[1:])
    else:
        yield right


def typed(value: Any) -> Any:
    """Return a text as the number or truth value that it stands for; anything else unchanged."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value.strip())
    except ValueError:
        return value
    return found if isinstance(found, bool | int | float) else value


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
