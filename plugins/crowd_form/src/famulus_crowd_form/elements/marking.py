"""Marks: ``crowd-entity-annotation`` and ``crowd-bounding-box``.

Sources: the pages of the developer guide of SageMaker on "crowd-entity-annotation" (``{name:
{entities: [{endOffset, label, startOffset}]}}``, whose offsets count Unicode characters) and on
"crowd-bounding-box" (``{name: {boundingBoxes: [{height, label, left, top, width}],
inputImageProperties: {height, width}}}``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_crowd_form.catalogue import _
from famulus_crowd_form.elements.base import (
    Answer,
    ElementFault,
    Part,
    Tag,
    WrongAnswer,
    sent_text,
)
from famulus_crowd_form.elements.choices import header, image_url
from famulus_marks import html
from famulus_marks.reading import (
    BROKEN,
    BrokenMarksError,
    page_text,
    read_box,
    read_label,
    read_marks,
    read_size,
    read_span,
    sort_spans,
)

Mark = dict[str, Any]


@frozen
class _Entities(Answer):
    has_marks: ClassVar[bool] = True

    name: str
    key: str
    text: str
    labels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        try:
            spans: list[Mark] = [
                {**read_span(mark, self.text), **read_label(mark, self.labels)}
                for mark in read_marks(sent_text(form, self.name))
            ]
            sort_spans(spans)
        except BrokenMarksError:
            raise WrongAnswer(BROKEN) from None
        return {self.name: {"entities": [_entity(span) for span in spans]}}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if spans := self._spans(answers):
            yield self.name, json.dumps(spans, ensure_ascii=False)

    def reviewed(self, body: str, answers: Mapping[str, Any]) -> str:
        drawn = html.drawn_spans(self.text, self._spans(answers), self.labels)
        return body.replace(
            html.span_area(self.key, escape(self.text)), html.span_area(self.key, drawn)
        )

    def _spans(self, answers: Mapping[str, Any]) -> list[Mark]:
        found = answers.get(self.name)
        entities = found.get("entities") if isinstance(found, Mapping) else None
        return [_span(each) for each in entities or ()]


@frozen
class _Boxes(Answer):
    has_marks: ClassVar[bool] = True

    name: str
    key: str
    labels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}.size")

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        try:
            size = read_size(sent_text(form, f"{self.name}.size"))
        except BrokenMarksError:
            raise WrongAnswer(
                _("The image was not loaded. Please load this page again, then mark it.")
            ) from None
        try:
            boxes = [
                {**read_box(mark, size), **read_label(mark, self.labels)}
                for mark in read_marks(sent_text(form, self.name))
            ]
        except BrokenMarksError:
            raise WrongAnswer(BROKEN) from None
        return {self.name: {"boundingBoxes": boxes, "inputImageProperties": size}}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        boxes, size = self._stored(answers)
        if boxes:
            yield self.name, json.dumps(boxes, ensure_ascii=False)
        if size:
            yield f"{self.name}.size", f"{size['width']}x{size['height']}"

    def reviewed(self, body: str, answers: Mapping[str, Any]) -> str:
        boxes, size = self._stored(answers)
        if not size:
            return body
        drawn = html.drawn_regions(self.key, boxes, self.labels, size)
        return body.replace(html.overlay(self.key), drawn)

    def _stored(self, answers: Mapping[str, Any]) -> tuple[list[Mark], Mapping[str, int] | None]:
        found = answers.get(self.name)
        if not isinstance(found, Mapping):
            return [], None
        return found.get("boundingBoxes") or [], found.get("inputImageProperties")


def crowd_entity_annotation(tag: Tag) -> Part:
    """Return the labels and the text whose parts are marked."""
    name, labels = tag.needed_name(), tag.categories("labels")
    text = page_text(tag.text("text"))
    if not text.strip():
        raise ElementFault('<crowd-entity-annotation> has no text: write text="…"')
    marks = [_span(each) for each in _initial(tag)]
    try:
        spans: list[Mark] = [
            {**read_span(mark, text), **read_label(mark, labels)} for mark in marks
        ]
        sort_spans(spans)
    except BrokenMarksError:
        raise ElementFault(
            "initial-value of <crowd-entity-annotation> must be a list of startOffset, endOffset "
            "and one of the labels, within the text and without overlaps"
        ) from None
    area = html.span_area(tag.key, escape(text))
    end = _marking("spans", tag, spans, area)
    answer = _Entities(name, tag.key, text, tuple(labels))
    return Part(header(tag), end, answer)


def crowd_bounding_box(tag: Tag) -> Part:
    """Return the labels and the image on which boxes are drawn."""
    name, labels = tag.needed_name(), tag.categories("labels")
    alt = escape(tag.translate(_("The image to mark")))
    area = (
        f"{html.image_opening(name)}{escape(image_url(tag))}"
        f'" alt="{alt}{html.image_closing(tag.key)}'
    )
    boxes = [dict(each) for each in _initial(tag)]
    keys = ("left", "top", "width", "height")
    for box in boxes:
        if box.get("label") not in labels or not all(isinstance(box.get(k), int) for k in keys):
            raise ElementFault(
                "initial-value of <crowd-bounding-box> must be a list of left, top, width, height "
                "and one of the labels"
            )
    end = _marking("boxes", tag, boxes, area)
    return Part(header(tag), end, _Boxes(name, tag.key, tuple(labels)))


def _marking(kind: str, tag: Tag, marks: list[Mark], area: str) -> str:
    buttons = "".join(
        f"{html.label_opening(number, value)}{escape(shown)}{html.LABEL_CLOSING}"
        for number, (value, shown) in enumerate(_labels(tag))
    )
    value = json.dumps(marks, ensure_ascii=False) if marks else ""
    opening = html.opening(tag.needed_name(), value, tag.translate)
    return (
        f'<div class="fq" data-kind="{kind}">{opening}{html.labels_opening(tag.translate)}'
        f"{buttons}{html.LABELS_CLOSING}{area}{html.closing(tag.translate)}</div>"
    )


def _labels(tag: Tag) -> list[tuple[str, str]]:
    """Return the value and the text of each label."""
    shown = [
        str(each.get("fullDisplayName") or each["label"])
        if isinstance(each, Mapping)
        else str(each)
        for each in tag.listed("labels")
    ]
    return list(zip(tag.categories("labels"), shown, strict=True))


def _initial(tag: Tag) -> list[Mapping[str, Any]]:
    found = tag.listed("initial-value")
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise ElementFault(f"initial-value of <{tag.name}> must be a list of objects")
    return found


def _span(entity: Mapping[str, Any]) -> Mark:
    return {
        "start": entity.get("startOffset"),
        "end": entity.get("endOffset"),
        "label": entity.get("label"),
    }


def _entity(span: Mark) -> Mark:
    return {"endOffset": span["end"], "label": span["label"], "startOffset": span["start"]}
