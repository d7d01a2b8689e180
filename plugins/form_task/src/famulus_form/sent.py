"""A submitted form, from which questions read their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

import famulus
from famulus_form.catalogue import _, _n

#: Characters that one answer may have where its question sets no limit.
LONGEST = 100_000


class WrongAnswer(Exception):  # noqa: N818 - it is a sentence for the worker
    """An answer is missing or invalid; the message says what the worker has to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        #: as it was given, so that a translatable text can be translated
        self.message = message


@frozen
class Sent:
    """The fields of one form, and the row that its page showed."""

    form: famulus.Form
    row: Mapping[str, Any]
    #: as in :class:`famulus_form.texts.PageContent`
    lot: int

    def text(self, name: str) -> str:
        """Return a field's value without white space around it; empty if none of it is visible."""
        value = self.value(name).strip()
        if len(value) > LONGEST:
            raise WrongAnswer(
                _n(
                    "Please shorten this: it has more than {count} character.",
                    "Please shorten this: it has more than {count} characters.",
                    count=LONGEST,
                )
            )
        return value if famulus.has_visible_text(value) else ""

    def value(self, name: str) -> str:
        """Return the only value of a field; empty if it has no value."""
        values = dict.fromkeys(self.texts(name))
        if len(values) > 1:
            raise WrongAnswer(_("This has more than one answer: please give one."))
        return next(iter(values), "")

    def texts(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for key, value in self.form.fields if key == name and value]

    def file(self, name: str) -> famulus.FormFile | None:
        """Return the file of a field, if one was chosen."""
        return next((file for file in self.form.files if file.field == name), None)
