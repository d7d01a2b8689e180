"""Find out which template engine of a page reads the expressions in the templates of its scripts.

An expression is ``{{…}}`` or ``<%…%>``. If no engine reads it, it is markup like the rest of the
template, and a value in it has to stay inside that markup.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import Enum, auto
from typing import Self

from attrs import evolve, frozen

from famulus_static_html.delimiters import own_delimiters
from famulus_static_html.script_files import ScriptFile, script_address
from famulus_static_html.source import Source
from famulus_static_html.tokens import Token

# In the types of templates.
_HANDLEBARS_TYPE = re.compile("handlebars|hbs")
_MUSTACHE_TYPE = re.compile("mustache|hogan")
_CODE_TYPE = re.compile(
    r"x-template|ng-template|angular|vue|ractive|jsrender|jsviews|tmpl|kendo|\bdot|nunjucks|jinja"
    r"|swig|twig|liquid"
)
_PERCENT_TYPE = re.compile(r"underscore|lodash|\bejs|\bjst|\beta\b|erb\b|tmpl")
# In addresses of scripts, and in code.
_HANDLEBARS = re.compile(r"handlebars|\bember\b")
_HANDLEBARS_USED = re.compile(r"\b(?:Handlebars|Ember)\b")
_MUSTACHE = re.compile(r"mustache|\bhogan")
_MUSTACHE_USED = re.compile(r"\b(?:Mustache|Hogan)\b")
_BRACES_USED = re.compile(r"\{\\*\{")
_CODE = re.compile(
    r"\bvue(?![a-z])|jsrender|jsviews|nunjucks|\btwig|\bdot(?:\.min)?\.js|\bpunches"
    r"|(?<![a-z])(?:angular|ractive|rivets|tmpl|kendo|swig|liquid)"
)
_CODE_USED = re.compile(
    r"\b(?:Vue|createApp|angular|Ractive|rivets|doT|nunjucks|swig|Twig|kendo)\b"
    r"|\.\s*(?:templates|tmpl)\s*\("
)
# Of these, what reads the page itself, and not only what the page's code passes to it.
_PAGE_READERS = re.compile(
    r"\bvue(?![a-z])|\bpunches|jsviews|(?<![a-z])(?:angular|ractive|rivets|kendo)"
)
_PAGE_READERS_USED = re.compile(
    r"\b(?:Vue|createApp|angular|Ractive|rivets|kendo)\b|\.\s*link\s*\("
)
# Of these, what leaves elements alone that say so.
_VUE = re.compile(r"\bvue(?![a-z])")
_VUE_USED = re.compile(r"\b(?:Vue|createApp)\b")
_ANGULAR = re.compile(r"(?<![a-z])angular")
_ANGULAR_USED = re.compile(r"\bangular\b")
# Before version 2, Vue read attributes.
_VUE_1 = re.compile(r"\bvue[@/]v?[01]\b")
# Of these, what reads attributes, and what no attribute keeps from doing so.
_UNSHIELDED = re.compile(r"\bpunches|(?<![a-z])ractive")
_UNSHIELDED_USED = re.compile(r"\bRactive\b")
_PERCENT = re.compile(r"underscore|lodash|backbone|\bejs\b|\beta\b|tmpl|jqote")
_PERCENT_USED = re.compile(
    r"\b_\s*\.\s*template(?:Settings)?\b|\b(?:ejs|Eta|Backbone)\b|<\\*%|%\\*>"
)
# The names of files that read neither begin so.
_NO_ENGINE = re.compile(
    r"(?:jquery|bootstrap|popper|externalhit|crowd-html-elements|alpine(?:js)?|htmx|knockout|d3"
    r"|moment)(?![a-z0-9])"
)
_LOADS_MORE = re.compile(r"\bimport\b|\bgetScript\b|createElement\s*\(\s*[\"'`]script")

#: The attribute with which Vue leaves an element alone.
VUE_SHIELD = "v-pre"
# In a library's own code, what it does by default.
_USUAL = frozenset({("{{", "}}"), ("<%", "%>")})
# Texts in quotes, and what is between two of them: which of both is which is not looked up.
_QUOTED = re.compile(r"(?<=[\"'`])[^\"'`\n]+(?=[\"'`])")
_WORD = re.compile(r"[a-z][\w-]*")
_PROPERTY = (
    "(?:(?:inner|outer)HTML|innerText|textContent|(?:v|nodeV|defaultV)alue|childNodes"
    "|(?:first|last)Child)"
)
_CONTENT = (
    rf"\.\s*{_PROPERTY}\b(?!\s*\+?=(?!=))"
    r"|\.\s*(?:html|text|val|contents)\s*\(\s*\)"
)
# Code that reads the content or the values of elements, or gives elements to an engine.
_READS = re.compile(
    rf"{_CONTENT}|[\"'`{{,]\s*{_PROPERTY}\s*[\"'`}},]|\bFormData\b|\.\s*serialize\w*\s*\("
    r"|\)\s*\.\s*(?:tmpl|render)\s*\(|\.\s*templates\s*\(\s*[\"'`][^<]"
)
_READS_BY_ID = re.compile(
    r"(?:getElementById\s*\(\s*[\"'`]|(?:\$|\bjQuery|\bquerySelector)\s*\(\s*[\"'`](?:script)?#)"
    rf"([\w-]+)[\"'`]\s*\)(?:\s*\[\s*0\s*\])?\s*(?:{_CONTENT}|\.\s*(?:tmpl|render)\s*\()"
    r"|\.\s*templates\s*\(\s*[\"'`](?:script)?#([\w-]+)[\"'`]\s*\)"
)


def _quoted_words(code: str) -> frozenset[str]:
    quoted = " ".join(_QUOTED.findall(code))
    return frozenset(_WORD.findall(quoted.lower()))


def _reads_only(code: str, templates: Collection[str]) -> bool:
    """Return whether code reads contents and values only of elements with these ids."""
    by_id = [found[1] or found[2] for found in _READS_BY_ID.finditer(code)]
    return len(by_id) == len(_READS.findall(code)) and set(by_id) <= set(templates)


class TemplateLanguage(Enum):
    """The language in which an expression is written."""

    #: nothing reads it: it is markup
    MARKUP = auto()
    #: a script of which only the address is known may read it
    UNKNOWN = auto()
    #: an engine that knows no strings, as Mustache or a script of the page's own
    WORDS = auto()
    #: words, and strings that know one escape
    HANDLEBARS = auto()
    #: JavaScript
    CODE = auto()


@frozen
class Expressions:
    """The languages of the expressions of one template: of ``{{…}}`` and of ``<%…%>``.

    ``own`` are the delimiters that the page names, and ``own_language`` is the language between
    them.
    """

    braces: TemplateLanguage
    percents: TemplateLanguage
    own: tuple[tuple[str, str], ...] = ()
    own_language: TemplateLanguage = TemplateLanguage.MARKUP

    def of(self, expression: str) -> TemplateLanguage:
        """Return the language of an expression, by its opening delimiter."""
        if expression.startswith(self.own_begins):
            return self.own_language
        return self.percents if expression.startswith("<%") else self.braces

    @property
    def own_begins(self) -> tuple[str, ...]:
        """The opening delimiters that the page names."""
        return tuple(begin for begin, _ in self.own)

    @property
    def resolves_entities(self) -> bool:
        """Whether an engine may look for expressions after the browser has read the markup."""
        return self.braces in (TemplateLanguage.CODE, TemplateLanguage.UNKNOWN)

    @property
    def has_unknown(self) -> bool:
        """Whether it is unknown for some expressions whether an engine reads them."""
        return TemplateLanguage.UNKNOWN in (self.braces, self.percents)

    def without_unknown(self) -> Self:
        """Return the same languages, with markup in place of unknown languages."""
        braces, percents = (
            TemplateLanguage.MARKUP if each is TemplateLanguage.UNKNOWN else each
            for each in (self.braces, self.percents)
        )
        return evolve(self, braces=braces, percents=percents)


NO_ENGINE = Expressions(TemplateLanguage.MARKUP, TemplateLanguage.MARKUP)
#: All expressions may be read by something.
ANY_ENGINE = Expressions(TemplateLanguage.UNKNOWN, TemplateLanguage.UNKNOWN)


@frozen
class InPage:
    """The parts of the page itself that frameworks such as Vue and AngularJS evaluate.

    ``delimiters`` begin and end their expressions in text, ``shields`` are the attributes that
    together keep all frameworks from an element, and ``reads_attributes`` is whether any of them
    reads attributes. ``roots`` are names of elements, and of attributes of elements, that a script
    may mount Vue on; None if they are unknown.
    """

    delimiters: tuple[tuple[str, str], ...] = ()
    shields: tuple[str, ...] = ()
    reads_attributes: bool = False
    roots: frozenset[str] | None = None

    @property
    def begins(self) -> tuple[str, ...]:
        """The opening delimiters."""
        return tuple(begin for begin, _ in self.delimiters)


NO_FRAMEWORK = InPage()


@frozen
class Engines:
    """The template engines that the scripts of a page may use."""

    handlebars: bool = False
    mustache: bool = False
    code: bool = False
    percents: bool = False
    vue: bool = False
    angular: bool = False
    #: whether Vue may be of a version that reads attributes, too
    vue_1: bool = False
    #: whether an engine reads elements and attributes that cannot say that it should not
    unshielded: bool = False
    #: whether a script names ``{{`` itself
    own: bool = False
    #: whether only the addresses of some scripts are known
    unknown: bool = False
    #: what begins and ends expressions, as a script says
    delimiters: tuple[tuple[str, str], ...] = ()
    #: whether a script of the page reads elements by itself, as Vue does
    reads_page: bool = False
    #: the words in quotes, with which a script can select an element; None if some are unknown
    words: frozenset[str] | None = None
    #: whether scripts are known to read the content of no element but ``<script>``
    reads_scripts_only: bool = False

    @classmethod
    def of(
        cls,
        source: Source,
        scripts: Sequence[Token],
        files: Sequence[ScriptFile] = (),
        templates: Collection[str] = (),
        handlers: Sequence[str] = (),
    ) -> Self:
        """Return the engines that these scripts load or use.

        :param scripts: the scripts that browsers run.
        :param files: the scripts' files that could be read.
        :param templates: the ids of the templates in ``<script>`` elements.
        :param handlers: the code of attributes such as ``onclick``.
        """
        addresses = [
            address.lower() for token in scripts if (address := script_address(source, token))
        ]
        known = (_HANDLEBARS, _MUSTACHE, _CODE, _PERCENT)

        def is_library(address: str) -> bool:
            name = address.rpartition("/")[2]
            return bool(_NO_ENGINE.match(name)) or any(each.search(address) for each in known)

        inner = [source.text[slice(*token.content)] for token in scripts if token.content]
        # A library of another name is code like the page's own.
        own = [file.code for file in files if not is_library(file.address)]
        code = "\n".join(inner + own)
        all_code = "\n".join([code, *handlers])
        delimiters = [*own_delimiters(code)]
        for file in files:
            if is_library(file.address):
                delimiters += set(own_delimiters(file.code)) - _USUAL
        loads_more = bool(_LOADS_MORE.search(code))
        strange = [address for address in addresses if not is_library(address)]
        whole = {file.address for file in files if file.is_whole}
        is_read = not loads_more and {*strange} <= whole

        def has(loaded: re.Pattern[str], used: re.Pattern[str]) -> bool:
            return bool(used.search(code)) or any(map(loaded.search, addresses))

        return cls(
            handlebars=has(_HANDLEBARS, _HANDLEBARS_USED),
            mustache=has(_MUSTACHE, _MUSTACHE_USED),
            code=has(_CODE, _CODE_USED),
            vue=has(_VUE, _VUE_USED),
            angular=has(_ANGULAR, _ANGULAR_USED),
            vue_1=any(map(_VUE_1.search, addresses)),
            unshielded=has(_UNSHIELDED, _UNSHIELDED_USED),
            percents=has(_PERCENT, _PERCENT_USED),
            own=bool(_BRACES_USED.search(code)),
            delimiters=tuple(dict.fromkeys(delimiters)),
            reads_page=has(_PAGE_READERS, _PAGE_READERS_USED),
            words=_quoted_words(all_code) if is_read else None,
            reads_scripts_only=is_read and _reads_only(all_code, templates),
            unknown=loads_more or bool(strange),
        )

    @property
    def in_page(self) -> InPage:
        """The parts of the page itself that the frameworks among the engines evaluate."""
        if not self.code or (self.reads_scripts_only and not self.reads_page):
            return NO_FRAMEWORK
        shields = (VUE_SHIELD,) * self.vue + ("ng-non-bindable",) * self.angular
        return InPage(
            delimiters=(("{{", "}}"), *self.delimiters),
            shields=() if self.unshielded else shields,
            reads_attributes=self.angular or self.unshielded or self.vue_1,
            roots=self.words,
        )

    def expressions(self, kind: str) -> Expressions:
        """Return the languages of a template of this type."""
        braces = self._braces(kind)
        is_code = self.percents and not (self.handlebars or self.mustache)
        own = (
            TemplateLanguage.CODE
            if is_code or braces is TemplateLanguage.CODE
            else TemplateLanguage.WORDS
        )
        return Expressions(braces, self._percents(kind), self.delimiters, own)

    def _braces(self, kind: str) -> TemplateLanguage:
        words = self.handlebars or self.mustache
        if _HANDLEBARS_TYPE.search(kind):
            # What is inside a string of Handlebars could end an expression of Mustache.
            only_mustache = self.mustache and not self.handlebars
            return TemplateLanguage.WORDS if only_mustache else TemplateLanguage.HANDLEBARS
        if self.handlebars and not self.mustache and not self.code:
            return TemplateLanguage.HANDLEBARS
        if (self.code and not words) or (_CODE_TYPE.search(kind) and (self.code or not words)):
            return TemplateLanguage.CODE
        if words or self.own or _MUSTACHE_TYPE.search(kind):
            return TemplateLanguage.WORDS
        return self._other

    def _percents(self, kind: str) -> TemplateLanguage:
        if self.percents or _PERCENT_TYPE.search(kind):
            return TemplateLanguage.CODE
        return self._other

    @property
    def _other(self) -> TemplateLanguage:
        return TemplateLanguage.UNKNOWN if self.unknown else TemplateLanguage.MARKUP
