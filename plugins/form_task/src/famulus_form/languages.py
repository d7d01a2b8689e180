"""Texts that an author has written per language: ``{en: …, de: …}`` in place of one text.

A form file is read once for each of its languages, with one text in place of each mapping. The
values of answers are written once, for all languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, field, frozen

import famulus
from famulus_form.texts import without_placeholders

#: The keys of what workers read.
_TEXTS = frozenset(
    {
        "a", "agree", "alt", "b", "bad", "good", "help", "instructions", "label", "left", "other",
        "pattern_help", "placeholder", "question", "right", "show", "text", "thank_you", "tie",
        "title", "unit", "why",
    }
)  # fmt: skip
#: The keys of files that workers see, hear or read.
_FILES = frozenset({"audio", "file", "image", "video"})
#: The keys of lists of options, whose single values are stored as well as read.
_OPTIONS = frozenset({"items", "labels", "options", "rows", "scale"})
#: The keys of what answers are compared with.
_OPAQUE = frozenset({"correct", "show_if"})
#: What the offsets of marks count in, by the type of the question.
_MARKED: Mapping[str, str] = MappingProxyType(
    {"spans": "text", "boxes": "image", "points": "image"}
)
#: What turns on the option that has no text of its own.
_SWITCHES = frozenset({"on", "true", "yes"})
_CODE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})*")
#: Texts of one warning that are named one by one.
_MOST_LISTED = 3
_LETTER = re.compile(r"[^\W\d_]")


@frozen
class _Text:
    """An author's text, and the languages it is in; None for a text without translations."""

    file: famulus.OptionFile
    key: str
    tags: frozenset[str] | None


@define
class Languages:
    """The languages of a form's files, and the choice among them while these are read."""

    #: the language to choose; the form's first one while it is empty
    wanted: str = ""
    #: in the order in which they appear in the files; the first one is the fall-back
    tags: list[str] = field(factory=list)
    _texts: list[_Text] = field(factory=list)
    _chosen: dict[tuple[Path, str], str] = field(factory=dict)

    def chosen(self, file: famulus.OptionFile) -> famulus.OptionFile:
        """Return a file with one text in place of each mapping of texts.

        What is wrong with a mapping is added to the problems of the file.
        """
        tree = {
            name: self._value(file, value, name, name, file.tree)
            for name, value in file.tree.items()
        }
        return evolve(file, tree=tree)

    def place(self, file: famulus.OptionFile, key: str) -> str:
        """Return the key of a text in its file, with the language if the text is in a mapping."""
        above = key
        while above:
            if (file.path, above) in self._chosen:
                return f"{above}.{self._chosen[file.path, above]}"
            above = above.rpartition(".")[0]
        return key

    @property
    def are_complete(self) -> bool:
        """Whether each text is in all languages."""
        return not any(self.warnings())

    def warnings(self, chosen: str = "") -> Iterator[famulus.Problem]:
        """Yield one warning for each group of texts that lack the same languages.

        :param chosen: the tag of the language of all pages, which texts without translations are
            assumed to have; empty if pages are in several languages.
        """
        if chosen and chosen not in self.tags:
            return
        shown = [chosen] if chosen else self.tags
        lacking: dict[tuple[str, ...], list[_Text]] = {}
        for text in self._texts:
            if text.tags is not None and (tags := tuple(t for t in shown if t not in text.tags)):
                lacking.setdefault(tags, []).append(text)
        single = [] if chosen or not self.tags else [t for t in self._texts if t.tags is None]
        if single:
            yield _warning(
                single,
                "is one text for all languages of the form",
                "texts are the same for all languages of the form",
                f"write {{{', '.join(f'{tag}: …' for tag in shown)}}}{self._or_one_text(single)}",
            )
        for tags, texts in lacking.items():
            listed = ", ".join(tags)
            which = f"has no text in {listed}, unlike other texts"
            yield _warning(texts, which, f"texts lack {listed}, which others have", "add it")

    def _or_one_text(self, single: Sequence[_Text]) -> str:
        """Return a second remedy if only one text has translations; else an empty text."""
        several = [text for text in self._texts if text.tags is not None]
        if len(several) > 1 or len(single) == 1:
            return ""
        return f", or one text at {_place(several[0], single[0])}, the only one in several"

    def _value(
        self, file: famulus.OptionFile, value: Any, key: str, name: str, around: Mapping[str, Any]
    ) -> Any:
        """Return a value with one text in place of each mapping below it.

        :param name: the last part of the key that is not a number.
        :param around: the mapping that contains the value, or the list around it.
        """
        if name in _OPAQUE:
            return value
        if isinstance(value, list):
            return [
                self._value(file, each, f"{key}.{number}", name, around)
                for number, each in enumerate(value)
            ]
        if isinstance(value, Mapping):
            return self._mapping(file, value, key, name, around)
        if value is not None and name in _TEXTS | _OPTIONS:
            is_switch = name == "other" and str(value).lower() in _SWITCHES
            if not is_switch and _is_language_bound(str(value)):
                self._texts.append(_Text(file, key, None))
        return value

    def _mapping(
        self,
        file: famulus.OptionFile,
        value: Mapping[str, Any],
        key: str,
        name: str,
        around: Mapping[str, Any],
    ) -> Any:
        is_texts = any(map(_CODE.fullmatch, value))
        if is_texts and name in _OPTIONS:
            message = (
                "is an option without a value: what is stored is the same in all languages; write "
                "{value: …, label: {en: …, de: …}}"
            )
            file.refuse(key, message)
            return {"value": key}
        if is_texts and _MARKED.get(str(around.get("type"))) == name:
            message = (
                "is the text whose positions are marked, so it must be the same in all "
                "languages: write one text, or ${column}"
            )
            file.refuse(key, message)
            return next(iter(value.values()))
        if is_texts and name in _TEXTS | _FILES:
            return self._choose(file, value, key)
        if name in _OPTIONS and "label" not in value:
            self._value(file, value.get("value"), f"{key}.value", name, value)
        return {
            each: self._value(file, below, f"{key}.{each}", each, value)
            for each, below in value.items()
        }

    def _choose(self, file: famulus.OptionFile, texts: Mapping[str, Any], key: str) -> Any:
        """Return the text in the wanted language, or else in its first language."""
        codes: dict[str, str] = {}
        for code, text in texts.items():
            language = famulus.find_language(code)
            if language is None:
                file.refuse(f"{key}.{code}", famulus.unknown_language(code))
            elif language.tag in codes:
                message = f"is {language.tag}, which occurs twice: remove one of them"
                file.refuse(f"{key}.{code}", message)
            elif text is not None and str(text).strip():
                codes[language.tag] = code
        self.tags += (tag for tag in codes if tag not in self.tags)
        self._texts.append(_Text(file, key, frozenset(codes)))
        for tag in (self.wanted, *self.tags):
            if tag in codes:
                self._chosen[file.path, key] = codes[tag]
                return texts[codes[tag]]
        return ""


def _warning(texts: Sequence[_Text], one: str, several: str, remedy: str) -> famulus.Problem:
    """Return one warning about texts, at the line of the first.

    :param one: the message for a single text, which follows its key.
    :param several: the message for several texts, which follows the number of texts.
    """
    first = texts[0]
    if len(texts) == 1:
        return first.file.problem(first.key, f"{one}: {remedy}", warning=True)
    listed = ", ".join(_place(text, first) for text in texts[:_MOST_LISTED])
    more = len(texts) - _MOST_LISTED
    message = f"{len(texts)} {several}: {listed}{f' and {more} more' if more > 0 else ''}; {remedy}"
    return evolve(first.file.problem(first.key, message, warning=True), key=None)


def _place(text: _Text, first: _Text) -> str:
    """Return key and line of a text, and the file's name if ``first`` is in another file."""
    line = text.file.problem(text.key, "").line
    name = "" if text.file.path == first.file.path else f"{text.file.path.name}, "
    return f"{text.key} ({name}line {line})"


def language_warnings(languages: Languages, plan: famulus.Plan) -> Iterator[famulus.Problem]:
    """Yield warnings for texts that lack a language, and for a form that lacks that of the task."""
    chosen, tags = plan.task.page_language, languages.tags
    yield from languages.warnings(chosen)
    if chosen and tags and chosen not in tags:
        message = (
            f"the form has no texts in {chosen} but in {', '.join(tags)}: workers read them in "
            f"{tags[0]}"
        )
        yield plan.problem("task.language", message, warning=True)


def _is_language_bound(text: str) -> bool:
    """Return whether a text has words of its own, not only values of the data."""
    return _LETTER.search(without_placeholders(text)) is not None
