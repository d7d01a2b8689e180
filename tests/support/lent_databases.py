"""State machines of Hypothesis, each example of which has a database of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

M = TypeVar("M", bound=RuleBasedStateMachine)
#: Lends the address of a database, another one each time, for the length of a ``with`` block.
Lend = Callable[[], AbstractContextManager[str]]


def files_in(folder: Path) -> Lend:
    """Return a function that lends the address of another SQLite file of a folder each time."""
    numbers = count()
    return lambda: nullcontext(str(folder / f"{next(numbers)}.db"))


def on_lent(machine: type[M], lend: Callable[[], AbstractContextManager[str | None]]) -> type[M]:
    """Return a machine that is made without arguments, on a database that is lent.

    It has the machine's name, by which Hypothesis keeps the examples that failed.

    :param machine: its only argument is what ``lend`` returns.
    """
    make: Any = machine.__init__
    return type(machine.__name__, (machine,), {"__init__": lambda self: make(self, lend())})
