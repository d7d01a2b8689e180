"""Compile an author's HTML file into the parts of a worker's page.

Elements stay where they are, with three exceptions: styles go to the head; elements that may wait
for another host go to the end; the parts of a document of its own (``<html>``, ``<title>``, the
viewport …) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from attrs import define, field

import famulus
from famulus_static_html.attributes import value_of
from famulus_static_html.bases import base_script
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.elements import Elements
from famulus_static_html.engines import Engines
from famulus_static_html.fields import ListFields, has_named_field
from famulus_static_html.findings import Found
from famulus_static_html.forms import (
    CLOSE_INSIDE,
    OPEN_INSIDE,
    OwnForms,
    is_mturks,
    own_forms,
)
from famulus_static_html.ground_truth import ground_truth_faults
from famulus_static_html.inert import inert_parts, is_inert
from famulus_static_html.interpolations import OpenExpressions
from famulus_static_html.local_files import LocalFiles
from famulus_static_html.mturk import MTURK_ACTION, MTurkParts
from famulus_static_html.outer import NOT_USED, OuterTags
from famulus_static_html.placement import (
    PagePart,
    blocking_scripts,
    delays_answers,
    moved_scripts,
    scripts_among,
    where,
)
from famulus_static_html.reserved import names_from_rows, reserved_fields
from famulus_static_html.script_files import script_files
from famulus_static_html.settings import SETTINGS
from famulus_static_html.shields import shielded
from famulus_static_html.source import Placeholder, Source, any_expression, trust
from famulus_static_html.template import Part, Template
from famulus_static_html.tokens import Kind, Token, outside_templates, tokenise

_SVG = ('<svg hidden="" width="0" height="0">', "</svg>")
_NOSCRIPT = ("<noscript>", "</noscript>")


def read_page(path: Path, *, trusted: bool = False, folder: Path | None = None) -> CompiledPage:
    """Read and compile a file.

    :param trusted: whether to insert the values of the data unescaped.
    :param folder: the folder of the files that the page names, if not the page's own folder.
    :raises OSError: when it cannot be read.
    :raises famulus.UsageError: when it is not text.
    """
    folder = path.parent if folder is None else folder.expanduser()
    return compile_page(famulus.read_html(path), path, trusted=trusted, folder=folder)


def compile_page(
    text: str, file: Path | None = None, *, trusted: bool = False, folder: Path | None = None
) -> CompiledPage:
    """Compile the HTML of a page. Never raises: faults are among its problems.

    :param folder: the folder of the script files that the page names; None reads none.
    """
    return _Compiler(Source(text, trusted), file, folder).compile()


@define
class _Compiler:
    source: Source
    file: Path | None
    folder: Path | None = None
    body: list[Part] = field(factory=list)
    head: list[Part] = field(factory=list)
    scripts: list[Part] = field(factory=list)
    found: Found = field(factory=Found)
    elements: Elements = field(init=False)
    problems: list[famulus.Problem] = field(factory=list)
    templates: int = 0
    noscripts: int = 0
    moved: frozenset[int] = frozenset()
    own_forms: OwnForms = field(factory=OwnForms)
    outer: OuterTags = field(factory=OuterTags)
    engines: Engines = field(factory=Engines)
    has_sheet_at_end: bool = False

    def __attrs_post_init__(self) -> None:
        self.elements = Elements(self.source, self.found, self._refuse)

    def compile(self) -> CompiledPage:
        tokens = list(tokenise(self.source))
        starts = [token for token in tokens if token.kind is Kind.START]
        live = list(outside_templates(tokens))
        scripts = scripts_among(self.source, live)
        files = [*script_files(self.source, scripts, self.folder)]
        templates = [each for each in starts if is_inert(self.source, each)]
        ids = [value_of(self.source, each, "id") for each in templates]
        handlers = [
            value_of(self.source, token, attribute.name)
            for token in starts
            for attribute in token.attributes
            if attribute.name.startswith("on")
        ]
        self.engines = Engines.of(self.source, scripts, files, ids, handlers)
        self.elements.in_page = self.engines.in_page
        self.elements.shielded = shielded(tokens, self.engines.in_page)
        self.elements.expressions = any_expression(self.engines.delimiters)
        if self.engines.vue:
            pairs = [pair for pair in self.engines.in_page.delimiters if pair[0] != "${"]
            OpenExpressions(self.source, self.found, pairs).refuse(tokens, self.elements.shielded)
        self._judge(own_forms(self.source, live))
        faults = (ground_truth_faults(self.source, tokens), reserved_fields(self.source, starts))
        for offset, fault in chain(*faults):
            self._problem(offset, fault)
        self._doubt_blocking(scripts)
        self.moved = frozenset(token.start for token in moved_scripts(self.source, scripts))
        for previous, token in zip([None, *tokens], tokens, strict=False):
            self._token(token, previous)
        config = (SETTINGS,) if scripts or "_MEPHISTO_CONFIG_" in self.source.text else ()
        mturk = MTurkParts.of(
            self.source,
            live,
            self.own_forms.unsent,
            named=self.outer.has_form_name,
            has_inner_forms=bool(self.own_forms.starts_inside),
        )
        return CompiledPage(
            body=Template([*mturk.body, *self.body]),
            head=Template([base_script(self.source, live), *mturk.head, *config, *self.head]),
            scripts=Template(self.scripts),
            outer=self.outer,
            mturk=mturk,
            needed=tuple(self.found.needed),
            forbidden=tuple(self.found.forbidden),
            shown=tuple(self.found.shown),
            quoted=tuple(self.found.quoted),
            differing=tuple(self.found.differing),
            limited=tuple(self.found.limited),
            row_names=names_from_rows(self.source, starts),
            files=LocalFiles.of(self.source, tokens, live, self.file),
            lists=ListFields.of(self.source, starts),
            problems=tuple(sorted(self.problems, key=lambda problem: problem.line or 0)),
            has_raw_markup=self.found.has_raw_markup,
            has_named_field=has_named_field(self.source, live),
            holds_submissions=delays_answers(self.source, scripts, live),
        )

    def _judge(self, forms: OwnForms) -> None:
        self.own_forms = forms
        self.elements.outside = forms.outside
        for offset, message in forms.doubts:
            self._problem(offset, message, warning=True)

    def _doubt_blocking(self, scripts: Sequence[Token]) -> None:
        for token, kept_for in blocking_scripts(self.source, scripts):
            line = self.source.line(kept_for.start)
            message = (
                "no one can work while the host of this script does not answer: it stays before the"
                f" script on line {line}, which writes where it stands; put a copy of it beside"
                " the page, and load that"
            )
            self._problem(token.start, message, warning=True)

    def _token(self, token: Token, previous: Token | None) -> None:
        if token.kind is Kind.TEXT:
            self._text(token, previous)
        elif token.kind is Kind.COMMENT:
            self.body.append(self.source.text[token.start : token.end])
        elif token.kind is Kind.BROKEN:
            self._problem(token.start, f"{token.name} begins here and never ends: close it")
        elif token.kind in (Kind.START, Kind.END):
            self._tag(token)

    def _problem(self, offset: int, message: str, *, warning: bool = False) -> None:
        line = self.source.line(offset)
        self.problems.append(famulus.Problem(message, file=self.file, line=line, warning=warning))

    def _refuse(self, placeholder: Placeholder, reason: str) -> None:
        message = (
            f"{placeholder.source} {reason}; where you trust every value, {trust(placeholder)}"
        )
        self._problem(placeholder.start, message)

    def _text(self, token: Token, previous: Token | None) -> None:
        parts = self.elements.text_parts(token.start, token.end)
        # Browsers drop the first line feed of <pre>, even one that is a value's.
        in_pre = previous is not None and previous.kind is Kind.START and previous.name == "pre"
        self.body += ["\n"] if in_pre and parts[0] == "" else []
        self.body += parts

    def _tag(self, token: Token) -> None:
        if token.name == "head" or (token.name == "title" and not token.foreign):
            return
        if token.name == "form" and not self.templates:
            self._form_tag(token)
        elif token.name in ("html", "body"):
            if token.kind is Kind.START:
                self._outer_tag(token)
        elif token.name == "base":
            for placeholder in self.source.placeholders(token.start, token.end):
                self.found.needed.append(placeholder)
                if not placeholder.raw:
                    self._refuse(placeholder, "stands in <base>, which decides where files are")
        else:
            self.templates += self._nesting(token, "template", self.templates)
            self.noscripts += self._nesting(token, "noscript", self.noscripts)
            self._put(token, self._where(token))

    def _form_tag(self, token: Token) -> None:
        if token.start in self.own_forms.starts_inside:
            self.body += [OPEN_INSIDE, *self._inner_form(token)]
        elif token.start in self.own_forms.ends_inside:
            self.body.append(CLOSE_INSIDE)
        elif token.start == self.own_forms.main:
            self._outer_tag(token)

    def _inner_form(self, token: Token) -> list[Part]:
        if not is_mturks(self.source, token):
            return self.elements.tag_parts(token)
        parts: list[Part] = ["<form"]
        for attribute in token.attributes:
            if attribute.name in NOT_USED:
                continue
            name = self.elements.name_parts(attribute.start, attribute.name_end)
            parts += [" ", *name, '="'] if attribute.value else [" ", *name]
            if attribute.value:
                value = self.elements.attribute_parts(token, attribute)
                quoted = (p.replace('"', "&quot;") if isinstance(p, str) else p for p in value)
                parts += [*quoted, '"']
        return [*parts, f' action="{MTURK_ACTION}">']

    def _where(self, token: Token) -> PagePart:
        if self.templates:
            return PagePart.BODY
        return PagePart.END if token.start in self.moved else where(self.source, token)

    @staticmethod
    def _nesting(token: Token, name: str, depth: int) -> int:
        if token.name != name:
            return 0
        return 1 if token.kind is Kind.START else -min(depth, 1)

    def _put(self, token: Token, place: PagePart) -> None:
        if place is PagePart.NOWHERE:
            return
        parts = [*self.elements.tag_parts(token), *self._content(token)]
        if place is PagePart.BODY:
            self.body += parts
            return
        around = _NOSCRIPT if self.noscripts else _SVG if token.foreign else ("", "")
        whole = [around[0], *parts, around[1], "\n"]
        is_sheet = token.name in ("link", "style")
        if place is PagePart.HEAD:
            self.head += whole
        # A style of the page after one from another host overrides it, so it is repeated here.
        if place is PagePart.END or (is_sheet and self.has_sheet_at_end):
            self.scripts += whole
            self.has_sheet_at_end |= is_sheet

    def _outer_tag(self, token: Token) -> None:
        for attribute in token.attributes:
            self.elements.name_parts(attribute.start, attribute.name_end)
            if token.name == "form" and attribute.name in NOT_USED:
                continue
            parts = (
                [] if attribute.value is None else self.elements.attribute_parts(token, attribute)
            )
            self.outer.add(token.name, attribute.name, parts)

    def _content(self, token: Token) -> list[Part]:
        if token.content is None or not is_inert(self.source, token):
            return self.elements.content_parts(token)
        content = inert_parts(self.source, token, self.found, self.engines)
        return [*content, self.source.text[token.content[1] : token.end]]
