"""References in a configuration: ``${task.task_name}``, ``${.task_name}``, ``${oc.env:HOME}``.

Each referenced value is resolved once and cached, and the total size is limited: a configuration
may come from a stranger, and must not take long to read or use much memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from famulus.errors import UsageError
from famulus.options.compat import native_path
from famulus.options.scalars import UNSET, FromEnvironment, Typed, is_from_environment
from famulus.options.suggest import nearest

#: Limit of nested references.
_MOST_NESTED = 10
#: Limit of chained references and of levels of the tree.
_DEEPEST = 80
#: Limits of the values and characters that all references together stand for.
_MOST_VALUES = 100_000
_MOST_CHARACTERS = 10_000_000

#: Limit of messages with a suggestion, which takes long in a large configuration.
_MOST_SUGGESTED = 10

_TOKEN = re.compile(r"(?<!\\)(\\*)\$\{|\}")
_OPENING = re.compile(r"\$\{")
_RESOLVER = re.compile(r"\s*([A-Za-z_][\w.]*)\s*:")
_ARGUMENT = re.compile(r"""'[^']*'|"[^"]*"|,|[^,'"]+|['"]""")
_INDEX = re.compile(r"\[([^\[\]]+)\]")
#: Far more digits than there are items, and far fewer than Python refuses to read.
_INDEX_NAME = re.compile(r"[0-9]{1,9}")
_PATH = re.compile(r"\.*[^\s.\\:,'\"={}\[\]()$]+(\.[^\s.\\:,'\"={}\[\]()$]+)*")
#: The part of a value that a message may quote; the rest may be secret.
_CITED = re.compile(r"\$\{[^{}]*\}")
_REMEDY = "write '${task.task_name}'"
_NAME = re.compile(r"\$\{([^${}:]+)\}")


def interpolate(tree: Mapping[str, Any], refuse: Callable[[str, str], None]) -> dict[str, Any]:
    """Return a tree in which every reference is replaced by the value it refers to.

    A text that is one reference becomes the value itself, of any type. Left out are values
    that are not set (``???``), and those that cannot be resolved.

    :param refuse: called with the dotted key of each value that cannot be resolved, and the reason.
    :raises famulus.UsageError: when the references expand to more than the allowed size.
    """
    resolved: dict[str, Any] = _Interpolation(tree, refuse).resolve("", tree).value
    return resolved


class _Broken(Exception):  # noqa: N818 - its message describes the fault of a value
    """A reference that cannot be resolved."""

    def __init__(self, reason: str, *, cites: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        #: whether the message begins with the reference
        self.cites = cites


class _AbsentError(_Broken):
    """A reference to a key that is not there."""


class _UnsetError(_Broken):
    """A value that is not set, or a reference to it."""


@frozen
class _Reference:
    """The content between ``${`` and ``}``: texts and nested references."""

    parts: Sequence[str | _Reference]


@frozen
class _Resolved:
    value: Any
    #: of the value and everything in it
    values: int = 1
    characters: int = 0


class _Interpolation:
    def __init__(self, tree: Mapping[str, Any], refuse: Callable[[str, str], None]) -> None:
        self._tree = tree
        self._refuse = refuse
        #: by dotted key and identity of the value, since ``1`` and ``"1"``, or ``a.b`` and ``b`` in
        #: ``a``, have one key; None while it is being resolved
        self._known: dict[tuple[str, int], _Resolved | _Broken | None] = {}
        self._values = self._characters = self._depth = self._suggested = 0

    def resolve(self, key: str, raw: Any) -> _Resolved:
        """Resolve the value at a key once.

        :raises _Broken: when it cannot be resolved.
        """
        place = key, id(raw)
        if place in self._known:
            known = self._known[place]
        else:
            self._known[place] = None
            known = self._known[place] = self._resolve(key, raw)
        if known is None:
            raise _Broken("refers back to itself")
        if isinstance(known, _Broken):
            raise known
        return known

    def _resolve(self, key: str, raw: Any) -> _Resolved | _Broken:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _too_much()
        try:
            if isinstance(raw, Mapping):
                return self._mapping(key, raw)
            if isinstance(raw, (list, tuple)):
                return self._list(key, raw)
            return self._scalar(key, raw)
        except _Broken as broken:
            return broken
        finally:
            self._depth -= 1

    def _mapping(self, key: str, raw: Mapping[Any, Any]) -> _Resolved:
        made = dict(self._children(key, raw.items()))
        return _sized({name: each.value for name, each in made.items()}, made.values())

    def _list(self, key: str, raw: Sequence[Any]) -> _Resolved:
        made = [each for _, each in self._children(key, enumerate(raw))]
        return _sized([each.value for each in made], made)

    def _children(self, key: str, children: Any) -> Iterator[tuple[Any, _Resolved]]:
        for name, raw in children:
            below = f"{key}.{name}" if key else str(name)
            try:
                yield name, self.resolve(below, raw)
            except _Broken as broken:
                if raw != UNSET:
                    self._refuse(below, self._explained(broken, str(raw)))

    def _scalar(self, key: str, raw: Any) -> _Resolved:
        if not isinstance(raw, (str, Typed)):
            return _Resolved(raw)
        text = str(raw)
        if text == UNSET and isinstance(raw, str):
            raise _UnsetError("refers to an option that is not set")
        if _OPENING.search(text) is None:
            return _Resolved(raw, characters=len(text))
        parts = _parse(text)
        if len(parts) == 1 and isinstance(parts[0], _Reference):
            found = self._follow(parts[0], key)
            is_typed = isinstance(raw, Typed) and isinstance(found.value, str)
            return _Resolved(Typed(found.value)) if is_typed else found
        texts = [self._text(each, key) for each in parts]
        made = _like(texts, "".join(texts))
        return _Resolved(Typed(made) if isinstance(raw, Typed) else made, characters=len(made))

    def _text(self, part: str | _Reference, key: str) -> str:
        if isinstance(part, str):
            return part
        value = self._follow(part, key).value
        if isinstance(value, (Mapping, list)):
            raise _Broken("refers to several values, which cannot be a part of a text")
        return _like([value], str(value))

    def _follow(self, reference: _Reference, key: str) -> _Resolved:
        first = reference.parts[0]
        resolver = _RESOLVER.match(first) if isinstance(first, str) else None
        if resolver is not None:
            literal = resolver.string[resolver.end() :]
            arguments = self._arguments([literal, *reference.parts[1:]], key)
            found = self._call(resolver[1], arguments, literal, key)
        else:
            path = "".join(self._text(each, key) for each in reference.parts).strip()
            found = self._find(path, key)
        self._values += found.values
        self._characters += found.characters
        if self._values > _MOST_VALUES or self._characters > _MOST_CHARACTERS:
            raise _too_much()
        return found

    def _find(self, path: str, key: str) -> _Resolved:
        """Resolve the value at a path, of which any part may be a reference."""
        path = _INDEX.sub(r".\1", path)
        if _PATH.fullmatch(path) is None:
            # The path is not quoted: a part of it may be the value of another reference.
            raise _Broken(f"is not a valid reference; {_REMEDY}")
        found, node, at = None, self._tree, ""
        for name in self._absolute(path, key):
            if isinstance(node, (str, Typed)):
                found = self.resolve(at, node)
                node = found.value
            at = f"{at}.{name}" if at else name
            node = _child(node, name)
        return self.resolve(at, node) if found is None else evolve(found, value=node)

    def _absolute(self, path: str, key: str) -> list[str]:
        dots = len(path) - len(path.lstrip("."))
        names = path[dots:].split(".")
        if not dots:
            return native_path(names)
        parents = key.split(".")
        if dots > len(parents):
            raise _AbsentError("refers to an unknown key")
        return [*parents[:-dots], *names]

    def _arguments(self, parts: Sequence[str | _Reference], key: str) -> list[str]:
        """Return the arguments of a resolver, which are separated by commas."""
        arguments = [list[str]()]
        for part in parts:
            if not isinstance(part, str):
                arguments[-1].append(self._text(part, key))
                continue
            for token in _ARGUMENT.findall(part):
                if token == ",":
                    arguments.append([])
                else:
                    arguments[-1].append(token)
        return [_like(texts, _unquoted("".join(texts).strip())) for texts in arguments]

    def _call(self, resolver: str, arguments: Sequence[str], literal: str, key: str) -> _Resolved:
        """Return the value of a resolver for its arguments.

        :param literal: the part of the arguments that is written in the configuration: messages may
            quote it, but not the values of references.
        """
        name, *default = arguments
        if resolver == "oc.env":
            if name in os.environ:
                text = FromEnvironment(os.environ[name])
                return _Resolved(text, characters=len(text))
            if not default:
                which = f": {name}" if name in literal else ""
                raise _Broken(f"refers to an environment variable that is not set{which}")
            return _Resolved(None if default[0] == "null" else default[0])
        if resolver == "oc.select":
            try:
                return self._find(name, key)
            except (_AbsentError, _UnsetError):
                value = default[0] if default else "null"
                return _Resolved(None if value == "null" else Typed(value))
        if resolver == "oc.decode":
            return _Resolved(None if name == "null" else Typed(name), characters=len(name))
        raise _Broken(f"cannot be resolved: Unsupported interpolation type {resolver}")

    def _explained(self, broken: _Broken, raw: str) -> str:
        if not broken.cites:
            return broken.reason
        near = self._near(raw) if isinstance(broken, _AbsentError) else ""
        return f"{_cited(raw)} {broken.reason}{near}"

    def _near(self, raw: str) -> str:
        self._suggested += 1
        if self._suggested > _MOST_SUGGESTED:
            return ""
        known = [key for key, _ in leaves(self._tree)]
        for name in _NAME.findall(raw):
            path = ".".join(native_path(name.strip().split(".")))
            near = nearest(path, known)
            if near is not None:
                return f"; did you mean {near!r}?"
        return ""


def _parse(text: str) -> list[str | _Reference]:
    parts, end = _parse_from(text, 0, 0)
    assert end == len(text)
    return parts


def _parse_from(text: str, start: int, depth: int) -> tuple[list[str | _Reference], int]:
    """Return the parts of a text up to its closing brace, and the position after that."""
    if depth > _MOST_NESTED:
        reason = f"there are more than {_MOST_NESTED} nested references"
        raise _Broken(f"{reason}; write the values out", cites=False)
    parts, literal, position = list[str | _Reference](), "", start
    while (token := _TOKEN.search(text, position)) is not None:
        literal += text[position : token.start()]
        position = token.end()
        if token[0] == "}":
            if depth:
                return [*parts, *filter(None, [literal])] or [""], position
            literal += "}"
            continue
        # A backslash escapes a reference, and a second one escapes the backslash.
        literal += "\\" * (len(token[1]) // 2)
        if len(token[1]) % 2:
            literal += "${"
            continue
        inside, position = _parse_from(text, position, depth + 1)
        parts += [*filter(None, [literal]), _Reference(inside)]
        literal = ""
    if depth:
        raise _invalid(text)
    return [*parts, *filter(None, [literal + text[position:]])], len(text)


def _child(node: Any, name: str) -> Any:
    if isinstance(node, Mapping):
        if name in node:
            return node[name]
        # Keys of a mapping that was made in Python may be numbers.
        found = next((key for key in node if not isinstance(key, str) and str(key) == name), None)
        if found is not None:
            return node[found]
    elif isinstance(node, (list, tuple)) and _INDEX_NAME.fullmatch(name) and int(name) < len(node):
        return node[int(name)]
    raise _AbsentError("refers to an unknown key")


def _sized(value: Any, below: Any) -> _Resolved:
    below = list(below)
    return _Resolved(
        value,
        values=1 + sum(each.values for each in below),
        characters=sum(each.characters for each in below),
    )


def _like(sources: Sequence[Any], text: str) -> str:
    """Return a text, marked as from the environment if one of its sources is."""
    return FromEnvironment(text) if any(map(is_from_environment, sources)) else text


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _invalid(raw: str) -> _Broken:
    return _Broken(f"{_cited(raw)} is not a valid reference; {_REMEDY}", cites=False)


def _too_much() -> UsageError:
    return UsageError(
        "the references (${…}) of the configuration expand beyond its allowed size; "
        "write the values out"
    )


def _cited(raw: str) -> str:
    """Return the references of a value without the text around them, which may be secret."""
    return " with ".join(map(repr, dict.fromkeys(_CITED.findall(raw)))) or "'${'"


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a tree that are no mappings, and empty mappings, by dotted key."""
    if not isinstance(value, Mapping) or not value:
        yield key, value
        return
    for name in value:
        yield from leaves(value[name], f"{key}.{name}" if key else str(name))
