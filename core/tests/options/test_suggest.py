"""Suggestions and hints at the end of messages."""

from __future__ import annotations

import pytest

from famulus.options.suggest import add_hint


@pytest.mark.parametrize(
    ("message", "hint", "shown"),
    [
        ("there is no x", None, "there is no x"),
        ("there is no x", "use y", "there is no x; use y"),
        ("there is no x; did you mean 'y'?", "use y", "there is no x; did you mean 'y'? use y"),
    ],
)
def test_hint_follows_a_question_without_another_mark(
    message: str, hint: str | None, shown: str
) -> None:
    assert add_hint(message, hint) == shown
