"""Statements that look up many values at once.

Compiling a query with hundreds of values takes longer than running it. Here the text has a fixed
number of placeholders and is compiled once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from famulus.model.statements import Param, Statement
from famulus.model.transaction import Transaction

R = TypeVar("R", bound=tuple[Any, ...])

_PLACES = 500

_NAMES = tuple(f"among{number}" for number in range(_PLACES))

#: The values of a statement for :func:`run_among`: ``Table.column << AMONG``.
AMONG = tuple(map(Param, _NAMES))


def run_among(tx: Transaction, statement: Statement[R], values: Iterable[int | str]) -> Iterator[R]:
    """Yield the rows that a statement finds for any of the values."""
    wanted = list(dict.fromkeys(values))
    for first in range(0, len(wanted), _PLACES):
        some = wanted[first : first + _PLACES]
        # A value that is repeated changes nothing.
        some += some[-1:] * (_PLACES - len(some))
        yield from tx.all(statement, **dict(zip(_NAMES, some, strict=True)))
