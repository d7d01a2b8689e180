"""Classes: what they hold, and what can be called on them."""

from __future__ import annotations

import ast
import enum
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import attrs

from .markdown import annotation, code, prose, signature, table, value
from .places import CORES_OWN


def describe(cls: type[Any], page: str) -> str:
    """Return what a class is, holds and does."""
    parts = [prose(_own_doc(cls), page)]
    if issubclass(cls, enum.Enum):
        parts.append(_values(cls, page))
    elif attrs.has(cls):
        parts.append(_fields(cls, page))
    else:
        parts.append(_class_attributes(cls, page))
    parts += [_member(cls, name, member, page) for name, member in _members(cls)]
    return "\n\n".join(part for part in parts if part)


def comments(cls: type[Any]) -> dict[str, str]:
    """Return the ``#:`` comments that stand above the assignments of a class."""
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        above: list[str] = []
        for line in reversed(lines[: node.lineno - 1]):
            if not line.strip().startswith("#:"):
                break
            above.insert(0, line.strip().removeprefix("#:").strip())
        if isinstance(target, ast.Name) and above:
            found[target.id] = " ".join(above)
    return found


def _own_doc(cls: type[Any]) -> str:
    return cls.__dict__.get("__doc__") or ""


def _values(cls: type[enum.Enum], page: str) -> str:
    said = comments(cls)
    rows = [(f"`{each.name}`", f"`{each.value}`", prose(said.get(each.name), page)) for each in cls]
    return table(("name", "value", "meaning"), rows)


def _fields(cls: type[Any], page: str) -> str:
    said = comments(cls)
    rows = [
        (
            f"`{field.name}`",
            f"`{annotation(field.type)}`",
            "" if field.default is attrs.NOTHING else f"`{default_of(field)}`",
            prose(said.get(field.name) or field.metadata.get("famulus_help"), page),
        )
        for field in attrs.fields(cls)
        if field.init and not field.inherited and not field.name.startswith("_")
    ]
    return table(("field", "type", "default", "meaning"), rows) if rows else ""


def default_of(field: attrs.Attribute[Any]) -> str:
    """Return a field's default as it is written."""
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        made = default.factory()
        # The address in the standard repr() differs from one time to the next.
        return f"{type(made).__name__}()" if "__repr__" not in _methods_of(made) else repr(made)
    return value(default)


def _methods_of(made: object) -> set[str]:
    return {name for cls in type(made).__mro__[:-1] for name in vars(cls)}


def _class_attributes(cls: type[Any], page: str) -> str:
    said = comments(cls)
    rows = [
        (
            f"`{name}`",
            f"`{annotation(given).removeprefix('ClassVar[').removesuffix(']')}`",
            f"`{value(cls.__dict__[name])}`" if name in cls.__dict__ else "",
            prose(said.get(name), page),
        )
        for name, given in inspect.get_annotations(cls).items()
        if not name.startswith("_")
    ]
    return table(("class attribute", "type", "default", "meaning"), rows) if rows else ""


def _members(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties a class has of its own, in their order."""
    for name, member in cls.__dict__.items():
        if name.startswith("_") or f"{cls.__name__}.{name}" in CORES_OWN:
            continue
        if isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member):
            yield name, member


def _member(cls: type[Any], name: str, member: Any, page: str) -> str:
    call: Any = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    if isinstance(member, property):
        result = annotation(inspect.signature(call).return_annotation)
        shown = f"{name}: {result}  # property"
    else:
        shown = signature(name, call, hide=("self", "cls"))
    head = f"#### {cls.__name__}.{name}"
    if getattr(member, "__isabstractmethod__", False):
        head += " (required)"
    return "\n\n".join([head, code(shown), prose(inspect.getdoc(member), page)])
