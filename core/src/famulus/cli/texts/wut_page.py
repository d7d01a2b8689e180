"""What ``famulus wut`` prints: prose and tables, fit for a terminal or for a pipe."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from famulus.cli.output import say
from famulus.cli.texts.columns import wrapped
from famulus.errors import Problem, UsageError
from famulus.options.describing import Described
from famulus.options.suggest import did_you_mean

#: Prose is no longer than this; tables may be, on a terminal that is.
_PROSE, _WIDEST = 80, 120
_NARROWEST = 40
_CROSS_REFERENCE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
#: A line of a list, or an indented one.
_LAID_OUT = re.compile(r"^(?:[ \t]|[-*] )", re.MULTILINE)


class Page:
    """Prints as it is told, but of the tables only the rows whose name contains one of the words;
    all of them without words.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._names: list[str] = []
        self._begun = False
        columns = shutil.get_terminal_size().columns
        self._width = max(min(columns, _WIDEST), _NARROWEST) if sys.stdout.isatty() else None

    def say(self, text: str, *, bold: bool = False) -> None:
        """Print a paragraph, with an empty line before it; one of several lines as it is."""
        lines = text.splitlines()
        if len(lines) == 1:
            lines = textwrap.wrap(text, min(self._width or _PROSE, _PROSE), break_on_hyphens=False)
        self._print(lines, bold=len(lines) if bold else 0)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print the wanted rows below a title; nothing when there are none."""
        self._names += [row[0] for row in rows]
        wanted = [row for row in rows if not self._words or self._words_in(row[0])]
        if not wanted:
            return
        self.say(title)
        self._print(wrapped([head, *wanted], self._width), bold=1)

    def options(self, title: str, described: Iterable[Described]) -> None:
        """Print a table of options."""
        rows = [
            (
                each.dest,
                f"{each.type} (secret)" if each.secret else each.type,
                each.default,
                "yes" if each.required else "no",
                ", ".join(each.choices) or "-",
                each.help,
            )
            for each in described
        ]
        self.table(title, ("dest", "type", "default", "required", "choices", "help"), rows)

    def state(self, title: str, described: Iterable[Described]) -> None:
        """Print a table of what a run script can set."""
        rows = [(each.dest, each.type, each.default, each.help) for each in described]
        self.table(title, ("dest", "type", "default", "help"), rows)

    def close(self) -> None:
        """Complain of words that are in no row's name.

        :raises UsageError: naming each.
        """
        known = list(dict.fromkeys(self._names))
        found = {word for name in known for word in self._words_in(name)}
        unknown = [word for word in self._words if word not in found]
        if unknown:
            raise UsageError(
                Problem(f"nothing here has {word!r} in its name{_near(word, known)}")
                for word in unknown
            )

    def _words_in(self, name: str) -> list[str]:
        return [word for word in self._words if word.lower() in name.lower()]

    def _print(self, lines: Iterable[str], *, bold: int) -> None:
        """Print lines, the first ``bold`` of them in bold."""
        if self._begun:
            say()
        self._begun = True
        for number, line in enumerate(lines):
            say(line, bold=number < bold)


def _near(word: str, known: Sequence[str]) -> str:
    near = did_you_mean(word, known)
    return near if "did you mean" in near else ""


def paragraphs(cls: type) -> list[str]:
    """Return a class's own docstring without its marks: lists and code as they stand there, any
    other paragraph in one line.
    """
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    text = _CROSS_REFERENCE.sub(r"\1", text).replace("``", "`")
    parts = [part.strip("\n") for part in text.split("\n\n") if part.strip()]
    return [part if _LAID_OUT.search(part) else " ".join(part.split()) for part in parts]


def summary(cls: type) -> str:
    """Return the first sentence of a class's docstring."""
    first = next(iter(paragraphs(cls)), "")
    return re.split(r"(?<=[.!?])\s", first, maxsplit=1)[0]
