"""Options that are one text, or a mapping of languages to texts: ``{en: …, de: …}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cattrs.errors import IterableValidationError, IterableValidationNote

from famulus.options.scalars import Refused, to_text
from famulus.translation import LocalizedText, find_language, unknown_language


def structure_texts(raw: Mapping[Any, Any]) -> LocalizedText:
    """Return the text that a mapping of languages stands for.

    :raises IterableValidationError: with a :class:`Refused` for each faulty language.
    """
    if not raw:
        raise Refused("is an empty mapping; write one text, or one per language: {en: …, de: …}")
    texts = dict[str, str]()
    errors = list[Exception]()
    for code, given in raw.items():
        try:
            tag = _new_tag(str(code), texts)
            texts[tag] = ""
            texts[tag] = _filled(given, code)
        except Refused as refused:
            refused.add_note(IterableValidationNote(f"language {code}", str(code), str))
            errors.append(refused)
    if errors:
        raise IterableValidationError("while making a text", errors, LocalizedText)
    return LocalizedText(texts)


def _new_tag(code: str, texts: Mapping[str, str]) -> str:
    language = find_language(code)
    if language is None:
        raise Refused(unknown_language(code))
    if language.tag in texts:
        raise Refused(f"is {language.tag}, which occurs twice: remove one of them")
    return language.tag


def _filled(given: Any, code: object) -> str:
    text = "" if given is None else to_text(given)
    if not text.strip():
        raise Refused(f"is empty; write the text, or leave {code} out")
    return text
