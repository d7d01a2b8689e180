"""The texts that workers read, in their languages: catalogues of gettext, and translating a page.

A text stays English until it is put into a page: logged, stored and compared texts are the same in
all languages, and constants can be translatable texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from html import escape
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from attrs import frozen

#: The value of ``task.language`` that leaves the choice to each worker's browser.
BROWSER = "browser"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: An isolated part: its direction does not depend on the text around it, nor changes it.
_ISOLATE, _END = "\u2068", "\u2069"
_NARROW_SPACE = "\u202f"
_MOST_ACCEPTED = 20


@frozen(kw_only=True)
class Language:
    """A language that the frame around a task is translated into."""

    #: as in the attribute ``lang`` of HTML: ``zh-Hans``
    tag: str
    #: the folder of its catalogues: ``zh_CN``
    folder: str
    direction: str = "ltr"
    #: between groups of three digits, and before the decimals
    group: str = ","
    point: str = "."

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes of an element of HTML in this language."""
        return {"lang": self.tag, "dir": self.direction}


ENGLISH = Language(tag="en", folder="en")
#: By tag. The message ids are English, which needs no catalogue.
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        language.tag: language
        for language in (
            ENGLISH,
            Language(tag="ar", folder="ar", direction="rtl"),
            Language(tag="de", folder="de", group=".", point=","),
            Language(tag="es", folder="es", group=_NARROW_SPACE, point=","),
            Language(tag="fr", folder="fr", group=_NARROW_SPACE, point=","),
            Language(tag="zh-Hans", folder="zh_CN"),
        )
    }
)
#: Chinese in traditional characters, which is another language to its readers.
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


def language_tags() -> list[str]:
    """Return the tags of the languages that the frame is translated into, sorted."""
    return sorted(LANGUAGES)


def unknown_language(code: str) -> str:
    """Return the message for an unknown language code, with the codes of all languages."""
    return f"there is no language {code!r}; use one of: {', '.join(language_tags())}"


def find_language(code: str) -> Language | None:
    """Return the language of a code such as ``de``, ``de-AT`` or ``zh_CN``, or None."""
    primary, *rest = code.strip().lower().replace("_", "-").split("-")
    if primary == "zh":
        is_simplified = "hans" in rest or _TRADITIONAL.isdisjoint(rest)
        return LANGUAGES["zh-Hans"] if is_simplified else None
    return LANGUAGES.get(primary)


def choose_language(fixed: str, accepted: str, offered: Sequence[str] = ()) -> Language:
    """Return the language of a page.

    :param fixed: the tag of the run's language; empty if the browser decides.
    :param accepted: the header ``Accept-Language`` of the request; empty if there is none.
    :param offered: the tags among which the browser chooses; the first one if it accepts none of
        them. If ``offered`` is empty, the browser chooses among all languages, and gets English if
        it accepts none.
    """
    return LANGUAGES[fixed] if fixed else _accepted_language(accepted, offered)


@cache
def catalogue_folders(package: str) -> frozenset[str]:
    """Return the names of the language folders in which a package has a catalogue."""
    root = files(package).joinpath("locale")
    if not root.is_dir():
        return frozenset()
    return frozenset(each.name for each in root.iterdir() if each.is_dir())


@frozen
class Catalogue:
    """The translations of the texts that a package shows to workers.

    The catalogues are in the package: ``locale/de/LC_MESSAGES/<package>.mo`` for German. A text
    without a translation stays English.
    """

    #: the name of the package, as of import
    package: str

    def text(self, message: str, /, **values: object) -> TranslatableText:
        """Return a text that a page translates.

        :param message: the English text, as a literal, so that it can be extracted. ``{name}``
            stands for a value.
        :param values: text, translatable text, or numbers, which are written in the way of the
            language.
        """
        return TranslatableText(self, message, None, values)

    def plural(self, one: str, many: str, /, *, count: int, **values: object) -> TranslatableText:
        """Return a text that depends on a number, which ``{count}`` stands for.

        :param one: the English text for the number 1, which is also the message id.
        :param many: the English text for all other numbers.
        """
        return TranslatableText(self, one, many, {"count": count, **values})

    def has(self, language: Language) -> bool:
        """Return whether the package has a catalogue in a language; English needs none."""
        return language is ENGLISH or language.folder in catalogue_folders(self.package)


class TranslatableText(str):
    """A text in English that a page shows in the language of its worker.

    Made by :meth:`Catalogue.text` and :meth:`Catalogue.plural`. Wherever it is not translated by a
    :class:`Translator`, it is the English text, with its values.
    """

    __slots__ = ("_catalogue", "_message", "_plural", "_values")

    _catalogue: Catalogue
    _message: str
    _plural: str | None
    _values: Mapping[str, object]

    def __new__(
        cls, catalogue: Catalogue, message: str, plural: str | None, values: Mapping[str, object]
    ) -> TranslatableText:
        """Make a text from the message ids of its catalogue."""
        english = message if plural is None or values["count"] == 1 else plural
        text = super().__new__(cls, _filled(english, values, ENGLISH))
        text._catalogue, text._message = catalogue, message
        text._plural, text._values = plural, values
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the arguments with which ``copy`` and ``pickle`` make the text again."""
        return TranslatableText, (self._catalogue, self._message, self._plural, self._values)

    def translated(self, language: Language) -> str:
        """Return the text in a language."""
        if language is ENGLISH:
            return str(self)
        found = _translations(self._catalogue.package, language.folder)
        if self._plural is None:
            text = found.gettext(self._message)
        else:
            count = self._values["count"]
            assert isinstance(count, int)
            text = found.ngettext(self._message, self._plural, count)
        return _filled(text, self._values, language)


class LocalizedText(str):
    """A text that a task's author has written in several languages.

    As a ``str`` it is the text in the language :attr:`tag`, which is also the fallback of pages.
    """

    __slots__ = ("tag", "texts")

    tag: str
    #: by the tag of their language, in the author's order; at least one
    texts: Mapping[str, str]

    def __new__(cls, texts: Mapping[str, str], preferred: str = "") -> LocalizedText:
        """Make a text that is a ``str`` in the preferred language, or else in the first one."""
        tag = preferred if preferred in texts else next(iter(texts))
        text = super().__new__(cls, texts[tag])
        text.tag, text.texts = tag, MappingProxyType(dict(texts))
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the arguments with which ``copy`` and ``pickle`` make the text again."""
        return LocalizedText, (dict(self.texts), self.tag)

    def translated(self, language: Language) -> str:
        """Return the text in a language, or else in the fallback language."""
        return self.texts.get(language.tag, self.texts[self.tag])

    def language(self, wanted: Language) -> Language:
        """Return the language of the text that :meth:`translated` returns."""
        return wanted if wanted.tag in self.texts else LANGUAGES[self.tag]


@frozen
class Translator:
    """Translates the texts of a page."""

    language: Language

    @classmethod
    def to(cls, tag: str) -> Translator:
        """Return the translator for the ``language`` of a view; English for an unknown tag."""
        return cls(find_language(tag) or ENGLISH)

    def __call__(self, text: str) -> str:
        """Return a text in the page's language; a plain ``str`` unchanged."""
        if isinstance(text, TranslatableText | LocalizedText):
            return text.translated(self.language)
        return text

    def html(self, text: str, **parts: str) -> str:
        """Return a text as HTML; everything but ``parts`` is escaped.

        :param parts: HTML in place of ``{name}``; the text itself has no values for these names.
        """
        return _PLACEHOLDER.sub(lambda found: parts.get(found[1], found[0]), escape(self(text)))

    def number(self, number: int | Decimal) -> str:
        """Return a number in the notation of the language."""
        return _written(number, self.language)

    def isolated(self, text: str) -> str:
        """Return text, such as an amount of money, that keeps its direction in any sentence."""
        return _isolated(text, self.language)

    def plural_forms(self, text: TranslatableText) -> Mapping[str, str]:
        """Return the forms of a text by plural category of CLDR, which scripts select by.

        :param text: a text with ``{count}``, which a script fills in.
        """
        language = self.language
        found = _translations(text._catalogue.package, language.folder)
        return {
            category: found.ngettext(text._message, text._plural or text._message, sample)
            for category, sample in _SAMPLES.items()
        }


#: One number of each category, in every language that has the category.
_SAMPLES: Mapping[str, int] = MappingProxyType(
    {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
)


def _filled(text: str, values: Mapping[str, object], language: Language) -> str:
    """Put values in place of ``{name}``; a name without a value stays, for HTML or a script."""
    if not values:
        return text

    def fill(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        return _isolated(_written(values[found[1]], language), language)

    return _PLACEHOLDER.sub(fill, text)


def _isolated(text: str, language: Language) -> str:
    return f"{_ISOLATE}{text}{_END}" if language.direction == "rtl" else text


def _written(value: object, language: Language) -> str:
    if isinstance(value, TranslatableText):
        return value.translated(language)
    if isinstance(value, int | Decimal):
        whole, point, decimals = f"{value:,}".partition(".")
        return whole.replace(",", language.group) + (language.point if point else "") + decimals
    return str(value)


@cache
def _translations(package: str, folder: str) -> NullTranslations:
    file = files(package).joinpath("locale", folder, "LC_MESSAGES", f"{package}.mo")
    if not file.is_file():
        return NullTranslations()
    with file.open("rb") as stream:
        return GNUTranslations(stream)


def _accepted_language(accepted: str, offered: Sequence[str]) -> Language:
    otherwise = LANGUAGES[offered[0]] if offered else ENGLISH
    if not accepted:
        return otherwise
    tags = offered or LANGUAGES
    found = (find_language(code) for code in _by_quality(accepted))
    return next((each for each in found if each is not None and each.tag in tags), otherwise)


def _by_quality(accepted: str) -> list[str]:
    """Return the codes of an ``Accept-Language``, the preferred ones first."""
    codes = sorted(_with_quality(accepted), key=lambda each: -each[1])
    return [code for code, quality in codes if quality > 0]


def _with_quality(accepted: str) -> Iterator[tuple[str, float]]:
    for item in accepted.split(",", _MOST_ACCEPTED)[:_MOST_ACCEPTED]:
        code, *parameters = (part.strip() for part in item.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            yield code, float(quality)
        except ValueError:
            continue
