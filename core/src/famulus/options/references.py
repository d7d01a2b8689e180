"""How much there is behind the references (``${…}``) of a configuration.

OmegaConf looks each reference up whenever it comes by: twenty options that each refer twice to the
next one take a million look-ups. So they are counted before the first one is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Characters of one value with references: parsing it is slow.
LONGEST = 10_000
#: References within references of one configuration: where they lead cannot be counted beforehand.
MOST_NESTED = 10
_MOST_LOOKED_UP = 10_000
_MOST_CHARACTERS = 10_000_000
_REFERENCE = re.compile(r"\$\{([^${}:]*)\}")
_NESTED = re.compile(r"\$\{[^{}]*(?=\$\{)")
_INDEX = re.compile(r"\[([^\]]*)\]")


def count_nested(text: str) -> int:
    """Return how many references of a value have references inside of them."""
    return len(_NESTED.findall(text))


def are_too_many(tree: Mapping[str, Any], former_root: str) -> bool:
    """Return whether the references of a configuration stand for more than it may hold.

    :param former_root: the key below which all sections can be found too.
    """
    counting = _Counting(tree, former_root)
    try:
        looked_up, characters = counting.below(tree, "")
    except RecursionError:
        return True
    return looked_up > _MOST_LOOKED_UP or characters > _MOST_CHARACTERS


_Size = tuple[int, int]


class _Counting:
    """Sizes are numbers of look-ups, and characters of the text that comes of them."""

    def __init__(self, tree: Mapping[str, Any], former_root: str) -> None:
        self._tree = tree
        self._former = f"{former_root}."
        self._known: dict[str, _Size] = {}

    def below(self, value: Any, key: str) -> _Size:
        if key not in self._known:
            # What refers back to itself is refused when it is followed.
            self._known[key] = (1, 0)
            self._known[key] = self._size(value, key)
        return self._known[key]

    def _size(self, value: Any, key: str) -> _Size:
        if not isinstance(value, str):
            return _sum(self.below(each, below) for below, each in _children(value, key))
        names = _REFERENCE.findall(value)
        looked_up, characters = _sum(self._target(name.strip(), key) for name in names)
        return looked_up + len(names), characters + len(value)

    def _target(self, name: str, key: str) -> _Size:
        path = _INDEX.sub(r".\1", name)
        dots = len(path) - len(path.lstrip("."))
        if dots:
            parents = key.split(".")[:-dots] if key.count(".") + 1 >= dots else []
            path = ".".join([*parents, path[dots:]])
        path = path.removeprefix(self._former)
        return self.below(_found(self._tree, path.split(".")), path)


def _children(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    prefix = f"{key}." if key else ""
    if isinstance(value, Mapping):
        yield from ((f"{prefix}{name}", each) for name, each in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"{prefix}{index}", each) for index, each in enumerate(value))


def _found(tree: Any, path: Sequence[str]) -> Any:
    for name in path:
        if isinstance(tree, Mapping):
            tree = tree.get(name)
        elif isinstance(tree, (list, tuple)) and name.isdecimal() and int(name) < len(tree):
            tree = tree[int(name)]
        else:
            return None
    return tree


def _sum(sizes: Iterator[_Size]) -> _Size:
    looked_up = characters = 0
    for each in sizes:
        looked_up += each[0]
        characters += each[1]
    return looked_up, characters
