"""A text without a visible character is no text to a reader."""

from __future__ import annotations

import pytest

from famulus import has_visible_text


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\u3000\u00a0", "\u200b\ufeff\u00ad", "\x00\x7f", "\u2800\u3164", "\ufe0f\u034f"],
)
def test_invisible_characters_are_no_text(text: str) -> None:
    assert not has_visible_text(text)


@pytest.mark.parametrize(
    "text", ["a", ".", "\u200f\u05d0", " \u4e2d", "\U0001f600", "e\u0301", "\u0301"]
)
def test_any_other_character_is_text(text: str) -> None:
    assert has_visible_text(text)
