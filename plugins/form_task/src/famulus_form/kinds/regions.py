"""Parts of an image that workers mark: boxes, or points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.kinds.marks import Marking
from famulus_form.question import Answers, Fault
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece, attribute, is_safe_url, placeholders, url
from famulus_marks.html import drawn_regions, image_closing, image_opening, overlay
from famulus_marks.reading import BROKEN, BrokenMarksError, read_box, read_point, read_size


@frozen(kw_only=True)
class _Regions(Marking):
    """Marks of an image, in its own pixels; the column NAME_size has its width and height."""

    image: str = famulus.option(
        help="Address of the image, or its name in the folder.", required=True
    )
    alt: str = famulus.option(
        help="What the image shows, for those who cannot see it.", default=_("The image to mark")
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
            yield "image", f"{self.image!r} is not the address of a file: begin with https://"

    def read(self, sent: Sent) -> dict[str, Any]:
        answers = super().read(sent)
        if answers[self.name] is None:
            return {**answers, f"{self.name}_size": None}
        try:
            return {**answers, f"{self.name}_size": _size(sent, self.name)}
        except BrokenMarksError:
            raise WrongAnswer(BROKEN) from None

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        size = answers.get(f"{self.name}_size")
        found = super().fields(answers)
        if size:
            found.append((f"{self.name}.size", f"{size['width']}x{size['height']}"))
        return found

    def control(self) -> list[Piece]:
        return self.marking([
            image_opening(self.name),
            *url(self.image),
            '" alt="',
            *attribute(self.alt),
            image_closing(self.id),
        ])  # fmt: skip

    def reviewed(self, body: str, answers: Answers, row: Mapping[str, Any]) -> str:
        size = answers.get(f"{self.name}_size")
        if not size:
            return body
        marks = self.sent_marks(answers) or ()
        drawn = drawn_regions(self.id, marks, self.label_values(), size)
        return body.replace(overlay(self.id), drawn)


@frozen(kw_only=True)
class Boxes(_Regions):
    """Boxes on an image; the answer is a list of left, top, width, height and label."""

    type: ClassVar[str] = "boxes"

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        return {**read_box(mark, _size(sent, self.name))}

    def answer_text(self, answers: Answers) -> str:
        marks = self.sent_marks(answers)
        if marks is None:
            return ""
        parts = (
            f"{_named(mark)}{mark['width']} by {mark['height']} at {mark['left']}, {mark['top']}"
            for mark in marks
        )
        return "; ".join(parts) or "nothing"


@frozen(kw_only=True)
class Points(_Regions):
    """Points on an image; the answer is a list of x, y and label."""

    type: ClassVar[str] = "points"

    def checked(self, mark: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
        return {**read_point(mark, _size(sent, self.name))}

    def answer_text(self, answers: Answers) -> str:
        marks = self.sent_marks(answers)
        if marks is None:
            return ""
        return "; ".join(f"{_named(mark)}{mark['x']}, {mark['y']}" for mark in marks) or "nothing"


def _named(mark: Mapping[str, Any]) -> str:
    return f"{mark['label']} " if mark.get("label") else ""


def _size(sent: Sent, name: str) -> dict[str, int]:
    return read_size(sent.text(f"{name}.size"))
