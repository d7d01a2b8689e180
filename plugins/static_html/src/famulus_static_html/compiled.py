"""An author's page, compiled: its parts, the columns it needs, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

import famulus
from famulus_static_html.differences import Differing
from famulus_static_html.fields import ListFields
from famulus_static_html.findings import Forbidden, Limited
from famulus_static_html.local_files import LocalFiles
from famulus_static_html.mturk import MTurkParts
from famulus_static_html.outer import OuterAttributes, OuterTags
from famulus_static_html.reserved import FieldName
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.template import Template
from famulus_static_html.tokens import Kind, tokenise


@frozen
class CompiledPage:
    """The three templates of a page, with the placeholders and the problems found in them."""

    body: Template
    head: Template
    scripts: Template
    outer: OuterTags
    mturk: MTurkParts
    #: placeholders that must have data
    needed: tuple[Placeholder, ...]
    #: placeholders in code: an error if the data has the column, else the author's own code
    forbidden: tuple[Forbidden, ...]
    #: placeholders in the text of the page, where a value can be HTML
    shown: tuple[Placeholder, ...]
    #: placeholders in attributes and in text fields, where a value is text with entities
    quoted: tuple[Placeholder, ...]
    #: placeholders in code and addresses whose values may mean something else on MTurk
    differing: tuple[Differing, ...]
    #: placeholders for which only few values are inserted
    limited: tuple[Limited, ...]
    #: names of fields that values are a part of
    row_names: tuple[FieldName, ...]
    #: what the page names in its own folder
    files: LocalFiles
    lists: ListFields
    problems: tuple[famulus.Problem, ...]
    #: whether values can bring fields with them
    has_raw_markup: bool = False
    has_named_field: bool = True
    #: whether a submission waits for the page's scripts
    holds_submissions: bool = False
    #: the attributes of the outer tags, unless they differ by the values
    _fixed_outer: OuterAttributes | None = field(init=False)

    @_fixed_outer.default
    def _outer_without_values(self) -> OuterAttributes | None:
        return self.outer.fixed()

    def render(self, values: Mapping[str, Any]) -> famulus.Page:
        """Return the page with all values filled in."""
        outer = self._fixed_outer or self.outer.render(values)
        return famulus.Page(
            body=self.body.render(values),
            head=self.head.render(values),
            scripts=self.scripts.render(values),
            holds_submissions=self.holds_submissions,
            html_attributes=outer.html,
            body_attributes=outer.body,
            form_attributes=outer.form,
            submit_attributes=self.mturk.submit_attributes,
        )

    def lists_for(self, values: Mapping[str, Any]) -> ListFields:
        """Return the fields that can have several values on the page filled with ``values``."""
        if not self.has_raw_markup:
            return self.lists
        source = Source(self.body.render(values))
        starts = [token for token in tokenise(source) if token.kind is Kind.START]
        return ListFields.of(source, starts)
