"""Names of workers, visits, qualifications, tasks and requesters, normalised where they enter."""

from __future__ import annotations

import re

from famulus.errors import Problem, UsageError

#: What the columns hold.
LONGEST_NAME = 255

#: What :func:`stripped` removes, for the same in SQL.
WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)

#: What programs write where a value is missing, in the spelling of their language.
_MISSING = frozenset({"undefined", "null", "NULL", "None", "NaN", "nil", "[object Object]"})
#: A placeholder of a template that nobody has filled in.
_PLACEHOLDER = re.compile(r"\$\{|\{\{|\{%|<%|%%.+%%")


def stripped(name: str) -> str:
    """Return a name without the white space around it. Case and composition stay as they are."""
    return name.strip()


def name_fault(name: object, longest: int = LONGEST_NAME) -> str | None:
    """Return what is wrong with a name, or None. The white space around it is not."""
    if not isinstance(name, str):
        return f"{name!r} is not a name: give it as a text"
    name = stripped(name)
    if not name:
        return "is empty; give it a name"
    hidden = next((char for char in name if not char.isprintable()), None)
    if hidden is not None:
        return f"{name!r} has a character that cannot be seen (U+{ord(hidden):04X}); leave it out"
    if len(name) > longest:
        return f"has {len(name)} characters; at most {longest} are allowed"
    return None


def read_name(name: object, what: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a name as it is stored and compared.

    :param what: what it is the name of, for the message.
    :raises famulus.UsageError: saying what is wrong with it.
    """
    fault = name_fault(name, longest)
    if fault is not None:
        raise UsageError(Problem(fault, key=what))
    assert isinstance(name, str)
    return stripped(name)


def is_placeholder(name: str) -> bool:
    """Return whether a name is what a broken page or script puts in the place of one, such as
    ``undefined``: taken for a name, it would make one worker of everybody.
    """
    return stripped(name) in _MISSING or _PLACEHOLDER.search(name) is not None
