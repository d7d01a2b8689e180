"""Marks are checked against the text or image they belong to, and drawn for a review."""

from __future__ import annotations

from typing import Any

import pytest

from famulus_marks.html import drawn_regions, drawn_spans, label_opening
from famulus_marks.reading import (
    BrokenMarksError,
    read_box,
    read_label,
    read_marks,
    read_point,
    read_size,
    read_span,
    sort_spans,
)

SIZE = {"width": 10, "height": 20}


@pytest.mark.parametrize("text", ["{", "1", "[1]", '{"a": 1}', "[NaN]", "[" * 99_000, "[[]]"])
def test_what_is_no_list_of_marks_is_refused(text: str) -> None:
    with pytest.raises(BrokenMarksError):
        read_marks(text)


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 2), (0, 0), (2, 1), (0, 4), (0, 1.0), (False, 1), ("0", 1), (None, 1)]
)
def test_a_span_is_within_its_text(start: Any, end: Any) -> None:
    with pytest.raises(BrokenMarksError):
        read_span({"start": start, "end": end}, "abc")


def test_spans_are_sorted_and_do_not_overlap() -> None:
    spans = [{"start": 2, "end": 3}, {"start": 0, "end": 2}]
    sort_spans(spans)

    assert spans == [{"start": 0, "end": 2}, {"start": 2, "end": 3}]
    with pytest.raises(BrokenMarksError):
        sort_spans([{"start": 0, "end": 2}, {"start": 1, "end": 3}])


@pytest.mark.parametrize("text", ["", "0x5", "5x", "-5x5", "5x5x5", "٣x٣", "9999999x1"])
def test_an_image_has_a_size(text: str) -> None:
    with pytest.raises(BrokenMarksError):
        read_size(text)


def test_regions_are_within_their_image() -> None:
    box = {"left": 0, "top": 0, "width": 10, "height": 20}

    assert read_size("10x20") == SIZE
    assert read_box({**box, "label": "a"}, SIZE) == box
    assert read_point({"x": 9, "y": 19}, SIZE) == {"x": 9, "y": 19}
    for change in ({"left": 1}, {"width": 0}, {"height": 21}, {"top": -1}):
        with pytest.raises(BrokenMarksError):
            read_box({**box, **change}, SIZE)
    with pytest.raises(BrokenMarksError):
        read_point({"x": 10, "y": 0}, SIZE)


def test_a_label_is_one_of_the_declared() -> None:
    assert read_label({"label": "a"}, ["a"]) == {"label": "a"}
    assert read_label({"label": "a"}, []) == {}
    others: list[object] = ["b", None, ["a"], {}]
    for label in others:
        with pytest.raises(BrokenMarksError):
            read_label({"label": label}, ["a"])


def test_drawn_marks_are_escaped_and_share_colours_when_there_are_many_labels() -> None:
    labels = [f"<{number}>" for number in range(9)]

    drawn = drawn_spans("<a>b", [{"start": 0, "end": 3, "label": "<8>"}], labels)
    shapes = drawn_regions("q", [{"x": 1, "y": 2, "label": "<1>"}], labels, SIZE)

    assert drawn == (
        '<mark class="fq-colour-0">&lt;a&gt;<span class="fq-mark-name">&lt;8&gt;</span></mark>b'
    )
    assert '<g class="fq-colour-1"><title>&lt;1&gt;</title><circle cx="1"' in shapes
    assert 'data-label="&quot;"' in label_opening(8, '"')
