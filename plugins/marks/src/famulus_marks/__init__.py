"""Spans in texts, boxes and points on images, as workers mark them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SCRIPT", "STATIC", "STYLE_SHEET", "style_text"]

#: The folder of the style sheet and the script.
STATIC = Path(__file__).parent / "static"
STYLE_SHEET = "famulus_marks.css"
SCRIPT = "famulus_marks.js"


def style_text() -> str:
    """Return the style sheet itself, for pages beside which it is not served."""
    return (STATIC / STYLE_SHEET).read_text(encoding="utf-8")
