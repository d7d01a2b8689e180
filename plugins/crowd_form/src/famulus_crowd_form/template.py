"""A template of Ground Truth: Liquid, compiled once and filled for each page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import liquid
from attrs import frozen
from liquid.exceptions import LiquidError

import famulus
from famulus_crowd_form.contexts import place_faults, with_filters
from famulus_crowd_form.filters import FILTERS
from famulus_crowd_form.html_tokens import line_of
from famulus_crowd_form.liquid_faults import TemplateFault, syntax_fault, unknown_filter
from famulus_crowd_form.placeholders import literal_placeholders, with_values

#: What a template can use besides the columns of the data.
OBJECT = "taskObject"
#: Columns of an input manifest that are the object; page "Use an Input Manifest File".
OBJECT_COLUMNS = ("source", "source-ref")

#: Tags that read files, or write values where no filter is added.
_NO_TAGS = ("include", "render", "echo", "liquid", "doc")
_TESTED = re.compile(r"\{%-?\s*(?:if|elsif|unless|case)\b(.*?)%\}", re.DOTALL)
_DEFAULTED = re.compile(r"\{\{((?:(?!\}\}).)*?)\|\s*default\b", re.DOTALL)
_INPUT = re.compile(r"""\btask\.input(?:\.([\w-]+)|\[\s*(?:"([^"]*)"|'([^']*)')\s*\])""")


class _Environment(liquid.Environment):
    """The limits for rendering one page, so that no data keeps a server busy for long."""

    loop_iteration_limit = 100_000
    local_namespace_limit = 10_000_000
    output_stream_limit = 10_000_000
    context_depth_limit = 30


@frozen
class Variable:
    """A place where a template uses a value."""

    #: the parts of its path: task, input, column …
    segments: tuple[object, ...]
    line: int

    @property
    def column(self) -> str | None:
        """The column of the data; None if the value is something else."""
        if self.segments[:2] == ("task", "input") and len(self.segments) > 2:
            name = self.segments[2]
            return name if isinstance(name, str) else None
        return None


@frozen
class Template:
    """A compiled template, and what it uses."""

    source: str
    variables: tuple[Variable, ...]
    #: columns that rows can lack, since the template tests them or has a default
    optional: frozenset[str]
    #: name and line of each ``${…}`` that is not filled, since the template is for Ground Truth
    literals: tuple[tuple[str, int], ...]
    _bound: liquid.BoundTemplate

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the template uses."""
        return frozenset(each.column for each in self.variables if each.column is not None)

    @property
    def needed(self) -> frozenset[str]:
        """The columns that every row must have."""
        return self.columns - self.optional - {OBJECT}

    def render(self, row: Mapping[str, Any]) -> str:
        """Return the page of a row, before its elements get their fields.

        :raises LiquidError: if a filter refuses a value, or a limit is reached.
        """
        return self._bound.render(task={"input": _input(row)})


def compile_template(source: str) -> Template:
    """Compile a template.

    :raises LiquidError: if it is not valid Liquid.
    """
    literals = tuple((name, line_of(source, at)) for name, at in literal_placeholders(source))
    source = with_values(source)
    for offset, fault in place_faults(source):
        raise TemplateFault(fault, line_of(source, offset))
    environment = _Environment(autoescape=True)
    for name in _NO_TAGS:
        environment.tags.pop(name, None)
    for each in FILTERS:
        environment.filters[each.__name__] = each
    annotated = with_filters(source)
    try:
        bound = environment.from_string(annotated)
    except LiquidError as error:
        raise syntax_fault(source, error, environment, _NO_TAGS) from error
    analysis = bound.analyze(include_partials=False)
    unknown = [name for name in analysis.filters if name not in environment.filters]
    if unknown:
        place = analysis.filters[unknown[0]][0].index
        raise unknown_filter(unknown[0], line_of(annotated, place), environment.filters)
    variables = [
        Variable(tuple(each.segments), line_of(annotated, each.span.index))
        for found in analysis.globals.values()
        for each in found
    ]
    tested = (*_TESTED.findall(source), *_DEFAULTED.findall(source))
    optional = {
        first or second or third for text in tested for first, second, third in _INPUT.findall(text)
    }
    variables.sort(key=lambda each: each.line)
    return Template(source, tuple(variables), frozenset(optional), literals, bound)


def problem_of(error: LiquidError, file: Path) -> famulus.Problem:
    """Return what is wrong with a template."""
    line = error.line if isinstance(error, TemplateFault) else _line(error)
    message = str(error.args[0]) if error.args else type(error).__name__
    if found := re.search(r"unexpected tag '?(\w+)'?|unknown tag '?(\w+)'?", message):
        tag = found[1] or found[2]
        if tag in _NO_TAGS:
            message = (
                f"{{% {tag} %}} does not work here: write what it stands for into the template"
            )
    return famulus.Problem(f"is not a Liquid template: {message}", file=file, line=line)


def _line(error: LiquidError) -> int | None:
    context = error.context()
    return context[0] if context else None


def _input(row: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(row)
    if OBJECT not in found:
        for column in OBJECT_COLUMNS:
            if column in found:
                found[OBJECT] = found[column]
                break
    return found


def supplied(columns: Iterable[str]) -> set[str]:
    """Return the names that templates can use for these columns of the data."""
    names = set(columns)
    return names | {OBJECT} if names & set(OBJECT_COLUMNS) else names
