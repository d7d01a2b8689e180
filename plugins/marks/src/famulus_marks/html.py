"""The HTML around a marked text or image, and marks drawn for a review, where no script runs.

An element of class ``fq`` encloses all of it; its ``data-kind`` is the kind of the marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from famulus import Translator
from famulus_marks.catalogue import _
from famulus_marks.script_texts import script_texts

#: Labels that have a colour of their own; further ones share them.
COLOURS = 8

LABEL_CLOSING = "</button>\n"
LABELS_CLOSING = "</div>\n"
#: The default language of all texts here.
_ENGLISH = Translator.to("en")


def opening(name: str, value: str = "", translate: Translator = _ENGLISH) -> str:
    """Return the HTML before the labels and the marked area.

    :param value: the initial marks, as JSON.
    """
    language = translate.language
    without = escape(translate(_("To mark something, please turn JavaScript on.")))
    return (
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}" data-marks>\n'
        f'<noscript><p class="fq-help" lang="{language.tag}" dir="{language.direction}">{without}'
        "</p></noscript>\n"
        f'<div class="fq-marking" data-texts="{escape(script_texts(translate))}"'
        f' data-lang="{language.tag}" data-dir="{language.direction}">\n'
    )


def closing(translate: Translator = _ENGLISH) -> str:
    """Return the HTML after the marked area."""
    label = escape(translate(_("Marks")))
    return f'</div>\n<ul class="fq-marks" aria-label="{label}"></ul>\n'


def labels_opening(translate: Translator = _ENGLISH) -> str:
    """Return the HTML before the buttons of the labels."""
    label = escape(translate(_("Labels")))
    return f'<div class="fq-labels" role="group" aria-label="{label}">\n'


def label_opening(number: int, value: str) -> str:
    """Return the start of a label's button; the first label is the one chosen initially."""
    return (
        f'<button type="button" class="fq-mark-label fq-colour-{number % COLOURS}"'
        f' data-label="{escape(value)}" aria-pressed="{str(not number).lower()}">'
    )


def span_area(key: str, markup: str) -> str:
    """Return the HTML of a text, parts of which can be marked.

    :param key: a prefix of ids that is unique on the page.
    """
    return f'<div class="fq-span-text" id="{escape(key)}-text">{markup}</div>\n'


def drawn_spans(text: str, spans: Iterable[Mapping[str, Any]], labels: Sequence[str]) -> str:
    """Return the HTML of a text with its sorted spans marked."""
    parts, end = [], 0
    for mark in spans:
        label = mark.get("label")
        named = f'<span class="fq-mark-name">{escape(str(label))}</span>' if label else ""
        parts += [
            escape(text[end : mark["start"]]),
            f'<mark class="fq-colour-{_colour(label, labels)}">'
            f"{escape(text[mark['start'] : mark['end']])}{named}</mark>",
        ]
        end = mark["end"]
    return "".join([*parts, escape(text[end:])])


def image_opening(name: str) -> str:
    """Return the HTML before the value of the image's ``src``."""
    return (
        f'<input type="hidden" name="{escape(name)}.size" value="">\n'
        '<div class="fq-image"><img src="'
    )


def image_closing(key: str) -> str:
    """Return the HTML after the value of the image's ``alt``; ``key`` as in :func:`span_area`."""
    return f'" draggable="false">{overlay(key)}</div>\n'


def overlay(key: str, attributes: str = "", shapes: str = "") -> str:
    """Return the SVG that lies over an image; ``key`` as in :func:`span_area`."""
    return (
        f'<svg class="fq-overlay" id="{escape(key)}-overlay" aria-hidden="true"{attributes}>'
        f"{shapes}</svg>"
    )


def drawn_regions(
    key: str,
    marks: Iterable[Mapping[str, Any]],
    labels: Sequence[str],
    size: Mapping[str, int],
) -> str:
    """Return the overlay of an image of this size, with boxes and points.

    :param key: as in :func:`span_area`.
    """
    unit = max(size["width"], size["height"]) / 100
    shapes = []
    for mark in marks:
        label = mark.get("label")
        title = f"<title>{escape(str(label))}</title>" if label else ""
        shapes.append(
            f'<g class="fq-colour-{_colour(label, labels)}">{title}{_shape(mark, unit)}</g>'
        )
    box = f' viewBox="0 0 {size["width"]} {size["height"]}"'
    return overlay(key, box, "".join(shapes))


def _shape(mark: Mapping[str, Any], unit: float) -> str:
    """Return a mark as SVG; ``unit`` is a hundredth of the image's longer side."""
    if "width" in mark:
        return (
            f'<rect x="{mark["left"]}" y="{mark["top"]}" width="{mark["width"]}"'
            f' height="{mark["height"]}"/>'
        )
    return f'<circle cx="{mark["x"]}" cy="{mark["y"]}" r="{unit:.2f}"/>'


def _colour(label: object, labels: Sequence[str]) -> int:
    return labels.index(str(label)) % COLOURS if label in labels else 0
