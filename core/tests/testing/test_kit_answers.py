"""The testing kit finds what was entered in a form among a blueprint's answers."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.testing.conformance.values_in_answers import is_in


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        ({"text": "word"}, "word"),
        ({"text": "word"}, " word\r\n"),
        ({"text": "one\ntwo"}, "one\r\ntwo"),
        ({"said": "they wrote: word"}, "word"),
        ({"chosen": {"word": True}}, "word"),
        ([{"texts": ["other", "word"]}], "word"),
        ({"number": 2.5}, "2.50"),
        ({"number": 1000}, "1e3"),
        ({"agrees": True}, "on"),
        ({"marks": {"a": [1, None]}}, '{"a": [1, null]}'),
        ({"is_right": True}, "true"),
        ({"is_right": False}, "false"),
        ({"text": "a word"}, '"a word"'),
        ({"text": 'a "word"'}, r'"a \"word\""'),
        ({"number": "sNaN", "text": "2"}, "2"),
    ],
)
def test_value_is_found(answers: Any, value: str) -> None:
    assert is_in(answers, value)


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        ({}, "word"),
        (None, "word"),
        ({"text": "wor"}, "word"),
        ({"number": 2.5}, "2.51"),
        ({"agrees": False}, "on"),
        ({"agrees": True}, "1"),
        ({"agrees": True}, "false"),
        ({"agrees": 1}, "true"),
        ({"text": None}, "null"),
        ({"marks": {"a": [1]}}, '{"a": [1, null]}'),
    ],
)
def test_value_that_is_lost_is_not_found(answers: Any, value: str) -> None:
    assert not is_in(answers, value)
