"""Texts as MTurk takes them."""

from __future__ import annotations

import unicodedata

#: What a line may be broken with: in texts of one line it is a control character like others.
_BREAKS = "\n\r\t"


def control_character(text: str, *, allowed: str = "") -> str | None:
    """Return the first character of a text that is none in XML or cannot be seen, or None."""
    return next((each for each in text if each not in allowed and _is_control(each)), None)


def clean(text: str, longest: int) -> str:
    """Return a text for a worker without control characters and outer white space, cut to so many
    characters.
    """
    kept = "".join(each for each in text if each in _BREAKS or not _is_control(each)).strip()
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"


def _is_control(character: str) -> bool:
    # Unassigned characters are fine, but for those that Unicode keeps out of texts for good.
    is_none = ord(character) & 0xFFFE == 0xFFFE
    return is_none or unicodedata.category(character) in ("Cc", "Cs")
