"""The page of every name that ``famulus`` exports."""

from __future__ import annotations

import enum
import inspect
from typing import Any

import attrs

import famulus

from .classes import describe
from .markdown import code, document, prose, signature
from .places import API, CONTRACTS, ERRORS, MADE_BY_CORE, href

PAGE = "api.md"

_INTRODUCTION = """
Every name of `famulus.__all__`: what programs and plugins may import. It is the public API; what is
not listed here may change in any version. A name that leaves it is deprecated first:
[Versions](../versioning.md) has the policy.

`import famulus` itself loads next to nothing: a name is loaded when it is first used.
"""

#: Values that have no docstring of their own.
_SAID = {
    "Clock": "Returns the present moment as an aware datetime in UTC: the type "
    "`Callable[[], datetime]`.",
    "hookimpl": "Mark a function of a plugin as the implementation of the [hook](hooks.md) of its "
    "name: `@famulus.hookimpl`.",
    "Result": "The result of one item of a call with many: the type `Outcome | UnavailableError | "
    "RefusedError`. An error as a result means what raising it in a call for that item alone "
    "would mean.",
    "Keep": "Stores a value with a payment, by the payment's key: the type "
    "`Callable[[str, Any], None]`. The value is JSON, and committed when the call returns.",
}


def api_page() -> str:
    """Return the page: entries in full, then one line for each name that another page has."""
    parts = [_INTRODUCTION]
    for title, names in API.items():
        parts.append(f"## {title}")
        parts += [f"### {name}\n\n{_entry(name)}" for name in names]
    parts.append("## Contracts")
    parts += [_elsewhere(name) for names in CONTRACTS.values() for name in names]
    parts.append("## Errors")
    parts += [_elsewhere(name) for name in ERRORS]
    return document("The public API", *parts)


def _entry(name: str) -> str:
    exported = getattr(famulus, name)
    if name in _SAID:
        return _SAID[name]
    if isinstance(exported, enum.Enum):
        return f"`{exported}`, which is `{exported.value!r}`."
    return entry(name, exported, PAGE)


def entry(name: str, exported: Any, page: str) -> str:
    """Return a class or a function in full, as it is described on a page."""
    if inspect.isclass(exported):
        described = describe(exported, page)
        return (
            described
            if _is_plain(exported) or name in MADE_BY_CORE
            else f"{_constructor(name, exported)}\n\n{described}"
        )
    return f"{code(signature(name, exported))}\n\n{prose(exported.__doc__, page)}"


def _elsewhere(name: str) -> str:
    exported: Any = getattr(famulus, name)
    shown = code(signature(name, exported)) + "\n\n" if attrs.has(exported) else ""
    paragraph = (exported.__doc__ or "").split("\n\n")[0]
    return f"### {name}\n\n{shown}{prose(paragraph, PAGE)} [More]({href(name, PAGE)})"


def _is_plain(cls: type[Any]) -> bool:
    """Return whether a table of fields or values describes completely how to make one."""
    return attrs.has(cls) or not inspect.isfunction(cls.__dict__.get("__init__"))


def _constructor(name: str, cls: type[Any]) -> str:
    return code(signature(name, cls))
