"""Several rows in one unit: the questions are asked about each row, with separate field names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from attrs import evolve, frozen

from famulus_form.conditions import Condition
from famulus_form.question import Answerless, Question
from famulus_form.sent import Sent
from famulus_form.texts import PageContent

#: The key of the rows in a unit's data, and of their answers.
ITEMS = "items"


def grouped(rows: Iterable[Mapping[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """Yield the data of units of ``size`` rows each; the last one may have fewer."""
    remaining = iter(rows)
    while group := list(islice(remaining, size)):
        yield {ITEMS: group}


def rows_of(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a unit's data."""
    found = data.get(ITEMS)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def prefix_of(number: int) -> str:
    """Return the prefix of an item's field names; only these begin with a digit.

    :param number: the number of the item, from 0.
    """
    return f"{number + 1}."


def prefixed(item: Question | Answerless, prefix: str) -> Question | Answerless:
    """Return a part of a form with the prefix of an item in its name and its conditions."""
    show_if = Condition(tuple((f"{prefix}{name}", test) for name, test in item.show_if.tests))
    if isinstance(item, Question):
        return evolve(item, name=f"{prefix}{item.name}", show_if=show_if)
    return evolve(item, show_if=show_if)


def with_items(shown: PageContent, data: Mapping[str, Any]) -> PageContent:
    """Return the content of a page of several rows.

    :param shown: the content that the page shows once; its values are added to those of each row.
    :param data: the unit's data; if it has no rows yet, one row without values is shown.
    """
    rows = rows_of(data) or [{}]
    items = [
        PageContent(
            {**row, **shown.values},
            _lot(shown.lot, number),
            of=len(rows),
            translate=shown.translate,
        )
        for number, row in enumerate(rows)
    ]
    return evolve(shown, items=items)


def sent_items(sent: Sent) -> list[Sent]:
    """Return the submitted form once per row, as the questions about that row read it."""
    return [
        Sent(sent.form, row, _lot(sent.lot, number)) for number, row in enumerate(rows_of(sent.row))
    ]


def _lot(lot: int, number: int) -> int:
    return lot + hashlib.sha256(b"%d" % number).digest()[0]


@frozen
class Answered:
    """Questions that were asked together, with their answers and their row."""

    questions: Sequence[Question]
    #: by columns as the questions know them, with the prefix of an item
    answers: Mapping[str, Any]
    row: Mapping[str, Any]
    #: the number of the item, from 0; None for questions that are asked once
    number: int | None = None

    @property
    def asked(self) -> list[Question]:
        """The questions with answers, including empty answers."""
        return [
            question
            for question in self.questions
            if any(column in self.answers for column in question.columns)
        ]
