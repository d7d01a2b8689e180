"""The page of the classes that plugin authors subclass, receive and return."""

from __future__ import annotations

import famulus

from .classes import describe
from .markdown import document
from .places import CONTRACTS

PAGE = "contracts.md"

_INTRODUCTION = """
The four classes that a plugin subclasses, with everything that is passed to them and that they
return. A method marked *(required)* has to be implemented; any other may be. Core constructs the
classes as `Class(args, context)`: with an instance of the class's own `Args`, typed and checked,
and a [`Context`](#context).

Names are imported from `famulus`, never from below it. Classes are returned from
[hooks](hooks.md).
"""


def contracts_page() -> str:
    """Return the page: a section for each contract."""
    contents = [
        f"- {title}: " + ", ".join(f"[{name}](#{name.lower()})" for name in names)
        for title, names in CONTRACTS.items()
    ]
    parts = [_INTRODUCTION, "\n".join(contents)]
    for title, names in CONTRACTS.items():
        parts.append(f"## {title}")
        parts += [f"### {name}\n\n{describe(getattr(famulus, name), PAGE)}" for name in names]
    return document("Contracts", *parts)
