"""Validation and normalisation of names, done once where a name enters.

This applies to the names of workers, visits, qualifications, tasks and requesters. Other texts that
people write, such as notes, only have to be text that a database can hold.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from famulus.errors import Problem, UsageError
from famulus.escaping import NOT_STORABLE

#: The width of the columns, in characters.
LONGEST_NAME = 255

#: The characters that :func:`stripped` removes, for use in SQL.
WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)

#: How programming languages spell a missing value.
_MISSING = frozenset({"undefined", "null", "NULL", "None", "NaN", "nil", "[object Object]"})
#: Stand for a value in the addresses that are to be entered on a platform.
_ELLIPSES = frozenset({"...", "…"})
_NOT_FILLED_IN = _MISSING | _ELLIPSES
#: The name of a worker who was forgotten.
_PSEUDONYM = re.compile("forgotten-[0-9a-f]{8}-[0-9]+")
#: A template's placeholder that was not replaced.
_PLACEHOLDER = re.compile(r"\$\{|\{\{|\{%|<%|%%.+%%")


def stripped(name: str) -> str:
    """Return a name without the white space around it; case and Unicode composition stay."""
    return name.strip()


def stripped_name(value: Any) -> Any:
    """Return a text without the white space around it, and a value of any other type unchanged."""
    return stripped(value) if isinstance(value, str) else value


def name_fault(name: object, longest: int = LONGEST_NAME) -> str | None:
    """Return what is wrong with a name, or None. White space around it is allowed."""
    if not isinstance(name, str):
        return f"{name!r} is not a name; give it as a string"
    name = name.strip()
    if not name:
        return "is empty; give a name"
    if not name.isprintable():
        hidden = next(char for char in name if not char.isprintable())
        return f"{name!r} has a character that cannot be seen (U+{ord(hidden):04X}); remove it"
    if len(name) > longest:
        return f"has {len(name)} characters; the limit is {longest}"
    return None


def read_name(name: object, what: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a name as it is stored and compared.

    :param what: what the name is for, such as ``worker``; the key of the problem.
    :raises famulus.UsageError: when the name is not valid.
    """
    fault = name_fault(name, longest)
    if fault is not None:
        raise UsageError(Problem(fault, key=what))
    assert isinstance(name, str)
    return name.strip()


def check_text(text: str, what: str) -> None:
    """Refuse a text that is stored as it is, such as a note, if no database can hold it.

    :param what: what the text is, such as ``note``, for the message.
    :raises famulus.UsageError: for U+0000, and for half of a surrogate pair, which Python makes of
        bytes in a command line that are not UTF-8.
    """
    found = NOT_STORABLE.search(text)
    if found is not None:
        raise UsageError(
            f"the {what} holds U+{ord(found[0]):04X}, which is not a character; write it in UTF-8"
        )


def is_placeholder(name: str) -> bool:
    """Return whether a name is a placeholder that a broken page or script has sent as it is.

    With such a name, for example ``undefined``, all workers would count as one.
    """
    return name.strip() in _NOT_FILLED_IN or _PLACEHOLDER.search(name) is not None


def pseudonym_of(identity: str, worker: int) -> str:
    """Return the name under which a worker is stored after they were forgotten.

    :param identity: the identity of the database.
    """
    return f"forgotten-{identity[:8]}-{worker}"


def forgotten_reference(identity: str, worker_name: str, reference: str) -> str:
    """Return the reference that a visit has after its worker was forgotten.

    It identifies the visit in a platform's report, but reveals neither the worker's name nor the
    original reference.

    :param identity: the identity of the database.
    """
    known = "\0".join((identity, worker_name, reference))
    return f"forgotten-{hashlib.sha256(known.encode()).hexdigest()[:32]}"


def is_pseudonym(name: str) -> bool:
    """Return whether a name is a result of :func:`pseudonym_of`, for any database."""
    return _PSEUDONYM.fullmatch(name) is not None
