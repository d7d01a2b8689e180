"""The texts that the page's scripts show, in the language of the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from types import MappingProxyType

from famulus import Translator
from famulus_form.catalogue import _
from famulus_form.question import REQUIRED, Question
from famulus_form.rules import rules_by_name
from famulus_form.texts import PageContent, Piece

NEXT = _("Next")
BACK = _("Back")

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # Translators: {item} is one of several that a worker puts in order
        "up": _("Move up: {item}"),
        "down": _("Move down: {item}"),
        # Translators: a button below a list that a worker puts in order
        "keepOrder": _("This order is right"),
        "keys": _("Keys of the keyboard choose answers."),
        "keysOff": _("Turn shortcuts off"),
        "keysOn": _("Turn shortcuts on"),
    }
)


@lru_cache(maxsize=16)
def script_texts(translate: Translator) -> str:
    """Return the texts in a language as an object in JSON, for a quoted attribute."""
    return escape(json.dumps({name: translate(text) for name, text in _TEXTS.items()}))


def steps_knowledge(questions: Sequence[Question]) -> Piece:
    """Return the data that the script of the pages needs, for a quoted attribute."""
    rules = rules_by_name(questions)

    @lru_cache(maxsize=16)
    def known(translate: Translator) -> str:
        translated = {
            name: [(test, limit, translate(text)) for test, limit, text in listed]
            for name, listed in rules.items()
        }
        parts = {
            "rules": translated,
            "required": translate(REQUIRED),
            # Translators: of a form that has several
            "progress": translate(_("Page {page} of {pages}")),
            "next": translate(NEXT),
        }
        return escape(json.dumps(parts))

    return _of_language(known)


def _of_language(make: Callable[[Translator], str]) -> Piece:
    def piece(shown: PageContent) -> str:
        return make(shown.translate)

    return piece
