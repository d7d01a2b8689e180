"""Compare the placeholders of pages with the columns of the data."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

import famulus
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.findings import Forbidden
from famulus_static_html.source import OWN_NAMES, Placeholder, trust
from famulus_static_html.values import INPUT

_MOST_SHOWN = 30


def named_columns(columns: Collection[str]) -> Collection[str]:
    """Return the names that placeholders may have.

    A column ``Input.x`` of MTurk's results also has the name ``x``.
    """
    inputs = [name.removeprefix(INPUT) for name in columns if name.startswith(INPUT)]
    return list(dict.fromkeys([*columns, *inputs])) if inputs else columns


def page_problems(
    page: CompiledPage, file: Path, columns: Collection[str] | None
) -> list[famulus.Problem]:
    """Return the problems of a page, with unknown columns unless ``columns`` is None."""
    found = [*page.problems, *forbidden_problems(page, file, columns or ())]
    known = OWN_NAMES | set(columns or ())
    if columns is not None:
        unknown = [one for one in page.needed if one.html_name not in known]
        found += [_unknown(placeholder, file, columns) for placeholder in unknown]
    return found


def forbidden_problems(
    page: CompiledPage, file: Path, columns: Collection[str]
) -> list[famulus.Problem]:
    """Return a problem for each placeholder in code that these columns would fill."""
    return [
        _forbidden(each, file)
        for each in page.forbidden
        if each.name in columns or each.name in OWN_NAMES
    ]


def _forbidden(forbidden: Forbidden, file: Path) -> famulus.Problem:
    placeholder = forbidden.placeholder
    return famulus.Problem(
        f"{placeholder.source} {forbidden.reason}; put it into a data- attribute that a script "
        f"reads, or, where you trust every value, {trust(placeholder)}",
        file=file,
        line=placeholder.line,
    )


def _unknown(placeholder: Placeholder, file: Path, columns: Collection[str]) -> famulus.Problem:
    name = placeholder.html_name
    column, bar, how = (part.strip() for part in name.rpartition("|"))
    if bar and (column in columns or column in OWN_NAMES):
        return famulus.Problem(
            f"{placeholder.source}: there is no '|{how}'; write ${{{column}|raw}} or "
            f"${{{column}|text}}",
            file=file,
            line=placeholder.line,
        )
    close = difflib.get_close_matches(name, sorted({*columns, *OWN_NAMES}), 1)
    hint = f"; did you mean ${{{close[0]}}}?" if close else ""
    literally = f"; for the characters themselves, write &#36;{placeholder.source[1:]}"
    literally = "" if placeholder.raw else literally
    return famulus.Problem(
        f"{placeholder.source} has no data{hint} (columns: {_shown(columns)}){literally}",
        file=file,
        line=placeholder.line,
    )


def _shown(columns: Collection[str]) -> str:
    shown = list(columns)[:_MOST_SHOWN]
    more = len(columns) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")
