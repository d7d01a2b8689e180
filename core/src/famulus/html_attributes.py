"""Attributes of a tag, as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from html import escape

_NAME = re.compile(r"[^\s\"'<>/=\x00-\x20\x7f]+")


def attributes(values: Mapping[str, str], *, without: Set[str] = frozenset()) -> str:
    """Return the attributes of a tag as HTML; a name that no tag can have is left out.

    :param without: names in lower case that are left out, too.
    """
    html = ""
    for name, value in values.items():
        if _NAME.fullmatch(name) and name.lower() not in without:
            html += f' {name}="{escape(value)}"'
    return html
