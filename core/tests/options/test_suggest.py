"""Suggestions and hints at the end of messages."""

from __future__ import annotations

import pytest

from famulus.options.suggest import add_hint, did_you_mean, nearest


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


@pytest.mark.parametrize(
    ("word", "near"), [("prot", "Port"), ("PORT", "Port"), ("zzz", None), ("", None)]
)
def test_nearest_name_is_found_regardless_of_case(word: str, near: str | None) -> None:
    assert nearest(word, ["Port", "host"]) == near
    assert nearest(word, []) is None


@pytest.mark.parametrize(
    ("word", "lists_all", "rest"),
    [
        ("prot", False, "; did you mean 'port'?"),
        ("prot", True, "; did you mean 'port'? (known: host, port)"),
        ("zzz", False, "; known: host, port"),
        ("zzz", True, "; known: host, port"),
    ],
)
def test_message_about_an_unknown_name_suggests_one_or_lists_all(
    word: str, lists_all: bool, rest: str
) -> None:
    assert did_you_mean(word, ["port", "host"], otherwise="known", lists_all=lists_all) == rest
    assert did_you_mean(word, [], lists_all=lists_all) == ""
