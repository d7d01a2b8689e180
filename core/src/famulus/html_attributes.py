"""Attributes of a tag, as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

_NAME = re.compile(r"[^\s\"'<>/=\x00-\x20\x7f]+")


def attributes(values: Mapping[str, str]) -> str:
    """Return the attributes of a tag as HTML; a name that no tag can have is left out."""
    return "".join(
        f' {name}="{escape(value)}"' for name, value in values.items() if _NAME.fullmatch(name)
    )
