"""Parts of an image that workers mark: boxes, or points."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.kinds.marks import BROKEN, Marking, whole_number
from famulus_form.question import Answers, Fault
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, attribute, is_safe_url, placeholders, url

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")


@frozen(kw_only=True)
class _Regions(Marking):
    """Marks of an image, in its own pixels; the column NAME_size has its width and height."""

    image: str = famulus.option(
        help="Address of the image, or its name in the folder.", required=True
    )
    alt: str = famulus.option(
        help="What the image shows, for those who cannot see it.", default="The image to mark"
    )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}_size")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "image", self.image
        yield "alt", self.alt

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        if not any(placeholders(self.image)) and not is_safe_url(self.image):
            yield "image", f"{self.image!r} is no address of a file: begin with https://"

    def read(self, sent: Sent) -> dict[str, Any]:
        answers = super().read(sent)
        size = None if answers[self.name] is None else _size(sent, self.name)
        return {**answers, f"{self.name}_size": size}

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        size = answers.get(f"{self.name}_size")
        found = super().fields(answers)
        if size:
            found.append((f"{self.name}.size", f"{size['width']}x{size['height']}"))
        return found

    def control(self) -> list[Piece]:
        area: list[Piece] = [
            f'<input type="hidden" name="{self.name}.size" value="">\n'
            '<div class="fq-image"><img src="',
            *url(self.image),
            '" alt="',
            *attribute(self.alt),
            f'" draggable="false">{self._overlay()}</div>\n',
        ]
        return self.marking(area)

    def reviewed(self, body: str, answers: Answers, row: Mapping[str, Any]) -> str:
        size = answers.get(f"{self.name}_size")
        if not size:
            return body
        labels = [label.value for label in self.labels]
        unit = max(size["width"], size["height"]) / 100
        shapes = []
        for mark in answers.get(self.name) or ():
            label = mark.get("label")
            number = labels.index(label) if label in labels else 0
            title = f"<title>{escape(str(label))}</title>" if label else ""
            shapes.append(f'<g class="fq-colour-{number}">{title}{self.shape(mark, unit)}</g>')
        box = f' viewBox="0 0 {size["width"]} {size["height"]}"'
        return body.replace(self._overlay(), self._overlay(box, "".join(shapes)))

    @abstractmethod
    def shape(self, mark: Mapping[str, Any], unit: float) -> str:
        """Return a mark as SVG; ``unit`` is a hundredth of the image's longer side."""

    def _overlay(self, box: str = "", shapes: str = "") -> str:
        return (
            f'<svg class="fq-overlay" id="{self.id}-overlay" aria-hidden="true"{box}>{shapes}</svg>'
        )


@frozen(kw_only=True)
class Boxes(_Regions):
    """Boxes on an image; the answer is a list of left, top, width, height and label."""

    type: ClassVar[str] = "boxes"

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        size = _size(sent, self.name)
        left = whole_number(mark, "left", 0, size["width"] - 1)
        top = whole_number(mark, "top", 0, size["height"] - 1)
        return {
            "left": left,
            "top": top,
            "width": whole_number(mark, "width", 1, size["width"] - left),
            "height": whole_number(mark, "height", 1, size["height"] - top),
            **self.label_of(mark),
        }

    def answer_text(self, answers: Answers) -> str:
        marks = answers.get(self.name)
        if marks is None:
            return ""
        parts = (
            f"{_named(mark)}{mark['width']} by {mark['height']} at {mark['left']}, {mark['top']}"
            for mark in marks
        )
        return "; ".join(parts) or "nothing"

    def shape(self, mark: Mapping[str, Any], unit: float) -> str:
        return (
            f'<rect x="{mark["left"]}" y="{mark["top"]}" width="{mark["width"]}"'
            f' height="{mark["height"]}"/>'
        )


@frozen(kw_only=True)
class Points(_Regions):
    """Points on an image; the answer is a list of x, y and label."""

    type: ClassVar[str] = "points"

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        size = _size(sent, self.name)
        return {
            "x": whole_number(mark, "x", 0, size["width"] - 1),
            "y": whole_number(mark, "y", 0, size["height"] - 1),
            **self.label_of(mark),
        }

    def answer_text(self, answers: Answers) -> str:
        marks = answers.get(self.name)
        if marks is None:
            return ""
        return "; ".join(f"{_named(mark)}{mark['x']}, {mark['y']}" for mark in marks) or "nothing"

    def shape(self, mark: Mapping[str, Any], unit: float) -> str:
        return f'<circle cx="{mark["x"]}" cy="{mark["y"]}" r="{unit:.2f}"/>'


def _named(mark: Mapping[str, Any]) -> str:
    return f"{mark['label']} " if mark.get("label") else ""


def _size(sent: Sent, name: str) -> dict[str, int]:
    """Return the size of the image as the page's script has measured it.

    :raises WrongAnswer: where it has not.
    """
    found = _SIZE.fullmatch(sent.text(f"{name}.size"))
    if found is None:
        raise WrongAnswer(BROKEN)
    return {"width": int(found[1]), "height": int(found[2])}
