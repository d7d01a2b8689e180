"""Texts in the form that MTurk accepts."""

from __future__ import annotations

import unicodedata

#: Characters that break a line; in texts of one line they count as control characters.
_BREAKS = "\n\r\t"
#: Characters of a rejection's reason.
LONGEST_FEEDBACK = 1024


def control_character(text: str, *, allowed: str = "") -> str | None:
    """Return the first character of a text that is invisible or not allowed in XML, or None."""
    return next((each for each in text if each not in allowed and _is_control(each)), None)


def clean(text: str, longest: int) -> str:
    """Return a text for a worker without control characters and outer white space.

    :param longest: the number of characters after which it is cut.
    """
    kept = "".join(each for each in text if each in _BREAKS or not _is_control(each)).strip()
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"


def _is_control(character: str) -> bool:
    # Unassigned characters are allowed, except for the noncharacters of Unicode.
    is_none = ord(character) & 0xFFFE == 0xFFFE
    return is_none or unicodedata.category(character) in ("Cc", "Cs")
