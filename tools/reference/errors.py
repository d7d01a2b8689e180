"""The page of every error."""

from __future__ import annotations

import inspect

import famulus
from famulus import errors

from .classes import describe
from .markdown import document, prose, table
from .places import ERRORS

PAGE = "errors.md"

_OTHER_STATUSES = """
A command ends with the exit status of the error that was not caught, with 2 if the command itself
was misspelt, with 130 if it was interrupted, and with 0 otherwise. [Commands](../commands.md) has
more.
"""


def errors_page() -> str:
    """Return the page: the tree, the exit statuses, an entry each."""
    rows = [
        (f"[{name}](#{name.lower()})", str(cls.exit_code))
        for name in ERRORS
        if issubclass(cls := getattr(famulus, name), famulus.FamulusError)
    ]
    parts = [
        prose(errors.__doc__, PAGE),
        table(("error", "exit status"), rows),
        _OTHER_STATUSES,
    ]
    for name in ERRORS:
        cls = getattr(famulus, name)
        bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__ if base is not object)
        kind = f"A kind of {bases}. " if bases else ""
        constructed = inspect.getdoc(cls.__init__) if name == "Problem" else ""
        body = "" if constructed is None else describe(cls, PAGE)
        parts.append(f"## {name}\n\n{kind}{body}")
    return document("Errors", *parts)
