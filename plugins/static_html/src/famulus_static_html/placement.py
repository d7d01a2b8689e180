"""Decide where the elements of an author's page go in a worker's page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from types import MappingProxyType

from famulus_static_html.attributes import value_of
from famulus_static_html.scripts import ScriptKind
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token
from famulus_static_html.urls import is_elsewhere

# A policy of the page would keep the answers from being sent.
_DROPPED_META = frozenset({"content-type", "x-ua-compatible", "content-security-policy"})
_JS_TYPE = re.compile(r"|module|(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[\d.]*")
# Not scripts, but read by later scripts.
_READ_BY_SCRIPTS = frozenset({"importmap", "speculationrules"})
# Types that other scripts turn into JavaScript.
_COMPILED_TYPE = re.compile(r"babel|jsx|typescript|coffeescript|hyperscript|py(?:thon)?\Z")
# Code in languages that only libraries and graphics cards run.
_OTHER_CODE = re.compile(
    r"mathjax-config|script|shader|x-(?:vertex|fragment)|glsl|wgsl|processing|ruby|perl|lua|\br\Z"
)
_IMPORT = re.compile(r"@import[^;]*?(?://|\\)", re.IGNORECASE)
# Code that looks for its own script element.
_NEEDS_PLACE = re.compile(
    r"document\s*\.\s*(?:write|scripts)|currentScript|getElementsByTagName\s*\(\s*[\"']script",
    re.IGNORECASE,
)
# A "$" may belong to a template literal, to text, to a regular expression or to a longer name.
_JQUERY = r"(?<![\w$\\])\$\s*(?:[(\[]|\??\.\s*[A-Za-z_$])|[=(,:.]\s*\$\s*[,;)\n}]|\bjQuery\b"
_UNDERSCORE = r"(?<![\w$.])_\s*[.(,)]"
# How the files of common libraries begin, and what names each of them in code.
_LIBRARIES = MappingProxyType({
    "jquery": re.compile(_JQUERY),
    "bootstrap": re.compile(rf"{_JQUERY}|\bbootstrap\b"),
    "popper": re.compile(r"\bPopper\b"),
    "externalhit": re.compile(r"\bturk[A-Z]"),
    "crowd-html-elements": re.compile(r"\bcrowd\b"),
    "vue": re.compile(r"\bVue"),
    "alpine": re.compile(r"\b[Aa]lpine\b"),
    "htmx": re.compile(r"\bhtmx\b"),
    "handlebars": re.compile(r"\bHandlebars\b"),
    "mustache": re.compile(r"\bMustache\b"),
    "underscore": re.compile(_UNDERSCORE),
    "lodash": re.compile(_UNDERSCORE),
    "knockout": re.compile(r"\bko\b"),
    "d3": re.compile(r"\bd3\b"),
    "moment": re.compile(r"\bmoment\b"),
})  # fmt: skip


class PagePart(Enum):
    """A part of the worker's page."""

    BODY = auto()
    HEAD = auto()
    #: behind everything a worker needs
    END = auto()
    NOWHERE = auto()


def where(source: Source, token: Token) -> PagePart:
    """Return the part for a token: styles go to the head, those of other hosts to the end."""
    if token.kind is not Kind.START:
        return PagePart.BODY
    choose = {"style": _style, "link": _link, "meta": _meta}.get(token.name)
    return choose(source, token) if choose else PagePart.BODY


def scripts_among(source: Source, tokens: Iterable[Token]) -> list[Token]:
    """Return the elements that browsers run as scripts, or that scripts read."""
    return [token for token in tokens if token.name == "script" and _is_code(source, token)]


def moved_scripts(source: Source, scripts: Sequence[Token]) -> Sequence[Token]:
    """Return the scripts to move to the end, because a host that hangs would block the page.

    A common library is moved with the scripts that name it, and any other script with all scripts
    after it, since they may depend on it. A script that writes into the page at its place is not
    moved, since its author wants fields there; nor are the scripts that it may need.
    """
    fixed, moved, first = _number_of_fixed(source, scripts), set[int](), len(scripts)
    for index in reversed(range(len(scripts))):
        if not _waits(source, scripts[index]):
            continue
        names = _library_names(source, scripts[index])
        users = [
            later
            for later in range(index + 1, len(scripts))
            if later not in moved and _may_need(source, scripts[later], names)
        ]
        if index >= fixed:
            moved |= {index} if names else set()
            first = min([first, *users] if names else [first, index])
        elif names and not any(user < fixed for user in users):
            moved.add(index)
            first = min([first, *users])
    return [each for index, each in enumerate(scripts) if index in moved or index >= first]


def delays_answers(source: Source, scripts: Sequence[Token], tokens: Iterable[Token]) -> bool:
    """Return whether code that judges or completes the answers may wait for another host.

    Any script may, since work that it does once the document is read waits for the scripts at the
    end. A common library does not judge answers by itself, but a handler may need it.

    :param tokens: the tokens outside of templates.
    """
    if not moved_scripts(source, scripts):
        return False
    libraries = [_library_names(source, each) for each in scripts if _waits(source, each)]
    if len(libraries) < len(scripts) or None in libraries:
        return True
    return any(
        names.search(source.text[slice(*attribute.value)])
        for token in tokens
        for attribute in token.attributes
        if attribute.value is not None and attribute.name.startswith("on")
        for names in libraries
        if names is not None
    )


def blocking_scripts(source: Source, scripts: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """Yield each blocking script from another host, with the script that keeps it in its place."""
    number = _number_of_fixed(source, scripts)
    moved = {token.start for token in moved_scripts(source, scripts)}
    for token in scripts[:number]:
        if _waits(source, token) and token.start not in moved:
            yield token, scripts[number - 1]


def _library_names(source: Source, token: Token) -> re.Pattern[str] | None:
    """Return a pattern for the names of a library in code; None for an unknown file."""
    address = value_of(source, token, "src").partition("?")[0]
    file = address.rpartition("/")[2].lower()
    return next((names for name, names in _LIBRARIES.items() if file.startswith(name)), None)


def _may_need(source: Source, token: Token, names: re.Pattern[str] | None) -> bool:
    """Return whether a script may need a library while it runs.

    A script file may need any library, unless it is deferred or asynchronous.
    """
    if token.attribute("defer") or token.attribute("async"):
        return False
    if token.attribute("src") or token.attribute("href") or names is None:
        return True
    return token.content is not None and bool(names.search(source.text[slice(*token.content)]))


def _number_of_fixed(source: Source, scripts: Sequence[Token]) -> int:
    """Return the number of scripts up to the last one that depends on its place."""
    fixed = [index for index, token in enumerate(scripts) if _depends_on_its_place(source, token)]
    return fixed[-1] + 1 if fixed else 0


def script_kind(source: Source, token: Token) -> ScriptKind:
    """Return the kind of content of a ``<script>``."""
    written = script_type(source, token)
    if written in _READ_BY_SCRIPTS:
        return ScriptKind.RULES
    if written.endswith("json"):
        return ScriptKind.JSON
    if _JS_TYPE.fullmatch(written) or _COMPILED_TYPE.search(written):
        return ScriptKind.CODE
    return ScriptKind.OTHER if _OTHER_CODE.search(written) else ScriptKind.INERT


def _is_code(source: Source, token: Token) -> bool:
    kind = script_type(source, token)
    return _JS_TYPE.fullmatch(kind) is not None or kind in _READ_BY_SCRIPTS


def _depends_on_its_place(source: Source, token: Token) -> bool:
    return token.content is not None and bool(
        _NEEDS_PLACE.search(source.text[slice(*token.content)])
    )


def _waits(source: Source, token: Token) -> bool:
    """Return whether the rest of the page waits for this script from another host."""
    address = "href" if token.foreign else "src"
    is_background = token.attribute("async") or token.attribute("defer")
    if is_background or script_type(source, token) == "module":
        return False
    return not _is_here(value_of(source, token, address))


def script_type(source: Source, token: Token) -> str:
    """Return the type of a script in lower case, without parameters."""
    return _word(source, token, "type").partition(";")[0].strip()


def _style(source: Source, token: Token) -> PagePart:
    content = source.text[slice(*token.content)] if token.content else ""
    if _IMPORT.search(content):
        return PagePart.END
    return PagePart.BODY if token.foreign else PagePart.HEAD


def _link(source: Source, token: Token) -> PagePart:
    is_sheet = "stylesheet" in _word(source, token, "rel").split()
    is_here = _is_here(value_of(source, token, "href"))
    return PagePart.HEAD if is_sheet and is_here else PagePart.END


def _is_here(address: str) -> bool:
    return not is_elsewhere(address) and "${" not in address.partition("/")[0]


def _meta(source: Source, token: Token) -> PagePart:
    is_ours = (
        token.attribute("charset")
        or _word(source, token, "name") == "viewport"
        or _word(source, token, "http-equiv") in _DROPPED_META
    )
    return PagePart.NOWHERE if is_ours else PagePart.HEAD


def _word(source: Source, token: Token, attribute: str) -> str:
    return value_of(source, token, attribute).strip().lower()
