"""Whether a text has a visible character."""

from __future__ import annotations

import re
from unicodedata import category

#: Unicode categories of invisible characters: of space, control and format.
_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
# Invisible in other categories: fillers, the blank of Braille, joiners and variation selectors
# (Default_Ignorable_Code_Point of the Unicode Character Database).
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def has_visible_text(text: str) -> bool:
    """Return whether a text has a visible character.

    White space, control and format characters, and letters without a shape are not visible. In any
    kind of task, a text without a visible character is no answer.
    """
    return any(category(each) not in _INVISIBLE and not _IGNORED.match(each) for each in text)
