"""Find out which template engine of a page reads the expressions in the templates of its scripts.

An expression is ``{{…}}`` or ``<%…%>``. Where nothing reads it, it is markup like the rest of the
template, and a value in it has to stay inside that markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import Self

from attrs import evolve, frozen

from famulus_static_html.attributes import value_of
from famulus_static_html.delimiters import own_delimiters
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
# Of these, what leaves elements alone that say so, and what reads attributes, too.
_VUE = re.compile(r"\bvue(?![a-z])")
_VUE_USED = re.compile(r"\b(?:Vue|createApp)\b")
_ANGULAR = re.compile(r"(?<![a-z])angular")
_ANGULAR_USED = re.compile(r"\bangular\b")
_PUNCHES = re.compile(r"\bpunches")
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


class Language(Enum):
    """What an expression is written in."""

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

    ``own`` are the delimiters that the page names, and ``own_language`` is the language in them.
    """

    braces: Language
    percents: Language
    own: tuple[tuple[str, str], ...] = ()
    own_language: Language = Language.MARKUP

    def of(self, expression: str) -> Language:
        """Return the language of an expression by how it begins."""
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
        return self.braces in (Language.CODE, Language.UNKNOWN)

    @property
    def has_unknown(self) -> bool:
        """Whether it is unknown for some expressions whether an engine reads them."""
        return Language.UNKNOWN in (self.braces, self.percents)

    def without_unknown(self) -> Self:
        """Return the same languages, with markup in place of unknown ones."""
        braces, percents = (
            Language.MARKUP if each is Language.UNKNOWN else each
            for each in (self.braces, self.percents)
        )
        return evolve(self, braces=braces, percents=percents)


NO_ENGINE = Expressions(Language.MARKUP, Language.MARKUP)
#: All expressions may be read by something.
ANY_ENGINE = Expressions(Language.UNKNOWN, Language.UNKNOWN)


@frozen
class InPage:
    """What frameworks such as Vue and AngularJS evaluate in the page itself.

    ``begins`` are the opening delimiters, ``shields`` are the attributes that together keep all
    frameworks from an element, and ``reads_attributes`` is whether any of them reads attributes.
    """

    begins: tuple[str, ...] = ()
    shields: tuple[str, ...] = ()
    reads_attributes: bool = False


NO_FRAMEWORK = InPage()


@frozen
class Engines:
    """What the scripts of a page may do with templates."""

    handlebars: bool = False
    mustache: bool = False
    code: bool = False
    percents: bool = False
    vue: bool = False
    angular: bool = False
    punches: bool = False
    #: whether a script names ``{{`` itself
    own: bool = False
    #: whether only the addresses of some scripts are known
    unknown: bool = False
    #: what begins and ends expressions, as a script says
    delimiters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, source: Source, scripts: Sequence[Token]) -> Self:
        """Return the engines that these scripts load or use.

        :param scripts: the scripts that browsers run.
        """
        addresses = [
            address.lower().partition("?")[0]
            for token in scripts
            if (address := value_of(source, token, "src") or value_of(source, token, "href"))
        ]
        code = "\n".join(source.text[slice(*token.content)] for token in scripts if token.content)

        def has(loaded: re.Pattern[str], used: re.Pattern[str]) -> bool:
            return bool(used.search(code)) or any(map(loaded.search, addresses))

        known = (_HANDLEBARS, _MUSTACHE, _CODE, _PERCENT)
        return cls(
            handlebars=has(_HANDLEBARS, _HANDLEBARS_USED),
            mustache=has(_MUSTACHE, _MUSTACHE_USED),
            code=has(_CODE, _CODE_USED),
            vue=has(_VUE, _VUE_USED),
            angular=has(_ANGULAR, _ANGULAR_USED),
            punches=any(map(_PUNCHES.search, addresses)),
            percents=has(_PERCENT, _PERCENT_USED),
            own=bool(_BRACES_USED.search(code)),
            delimiters=tuple(dict.fromkeys(own_delimiters(code))),
            unknown=bool(_LOADS_MORE.search(code))
            or any(
                not _NO_ENGINE.match(address.rpartition("/")[2])
                and not any(engine.search(address) for engine in known)
                for address in addresses
            ),
        )

    @property
    def in_page(self) -> InPage:
        """What the frameworks among the engines evaluate in the page itself."""
        if not self.code:
            return NO_FRAMEWORK
        shields = ("v-pre",) * self.vue + ("ng-non-bindable",) * self.angular
        return InPage(
            begins=("{{", *(begin for begin, _ in self.delimiters)),
            shields=() if self.punches else shields,
            reads_attributes=self.angular or self.punches,
        )

    def expressions(self, kind: str) -> Expressions:
        """Return the languages of a template of this type."""
        braces = self._braces(kind)
        is_code = self.percents and not (self.handlebars or self.mustache)
        own = Language.CODE if is_code or braces is Language.CODE else Language.WORDS
        return Expressions(braces, self._percents(kind), self.delimiters, own)

    def _braces(self, kind: str) -> Language:
        words = self.handlebars or self.mustache
        if _HANDLEBARS_TYPE.search(kind):
            # What is inside a string of Handlebars could end an expression of Mustache.
            only_mustache = self.mustache and not self.handlebars
            return Language.WORDS if only_mustache else Language.HANDLEBARS
        if self.handlebars and not self.mustache and not self.code:
            return Language.HANDLEBARS
        if (self.code and not words) or (_CODE_TYPE.search(kind) and (self.code or not words)):
            return Language.CODE
        if words or self.own or _MUSTACHE_TYPE.search(kind):
            return Language.WORDS
        return self._other

    def _percents(self, kind: str) -> Language:
        if self.percents or _PERCENT_TYPE.search(kind):
            return Language.CODE
        return self._other

    @property
    def _other(self) -> Language:
        return Language.UNKNOWN if self.unknown else Language.MARKUP
