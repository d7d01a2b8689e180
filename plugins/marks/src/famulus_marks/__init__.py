"""Spans in texts, boxes and points on images, as workers mark them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SCRIPT", "STATIC", "STYLE_SHEET", "style_text"]

#: The folder of the style sheet and the script.
STATIC = Path(__file__).parent / "static"
STYLE_SHEET = "famulus_marks.css"
SCRIPT = "famulus_marks.js"


def style_text() -> str:
    """Return the content of the style sheet, for pages that cannot load it as a file."""
    return (STATIC / STYLE_SHEET).read_text(encoding="utf-8")
