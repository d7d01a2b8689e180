"""A question of each kind for the gallery, and what a worker does to answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: A file that a worker uploads.
PHOTO = Path(__file__).parents[2] / (
    "plugins/form_task/src/famulus_form/studies/image-boxes/media/street_2.png"
)
#: What a question is about: a ball that is thrown, 320 by 180 pixels, in WebM.
VIDEO = Path(__file__).parent / "media/ball.webm"


@frozen
class Shown:
    """A question of one kind, or about a thing of one kind."""

    kind: str
    #: an entry of ``questions``; its name is ``answer``
    declaration: str
    #: what a worker does in the element of the question
    answer: Callable[[Locator], object]


def drag(area: Locator, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drag from one pixel of an image to another, where it is shown in its own size."""
    mouse = area.page.mouse
    mouse.move(*_place(area, start))
    mouse.down()
    mouse.move(*_place(area, end), steps=3)
    mouse.up()


def click(area: Locator, pixel: tuple[int, int]) -> None:
    area.page.mouse.click(*_place(area, pixel))


def _place(area: Locator, pixel: tuple[int, int]) -> tuple[int, int]:
    """Return whole numbers: browsers round the places of clicks, each in its own way."""
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    return round(box["x"] + pixel[0]), round(box["y"] + pixel[1])


def mark_words(question: Locator, label: str, words: str) -> None:
    """Mark words of a text by typing them."""
    question.get_by_role("button", name=label, exact=True).click()
    field = question.get_by_label("Words of the text to mark")
    field.fill(words)
    field.press("Enter")


def move_slider(slider: Locator, value: int) -> None:
    slider.fill(str(value))


def rate(question: Locator, row: str, rating: str) -> None:
    line = question.get_by_role("radiogroup", name=row)
    line.get_by_role("radio", name=rating).check()


def choose(page: Page | Locator, *options: str) -> None:
    for option in options:
        page.locator(".fq-option").filter(has_text=option).first.locator("input").check()


def _matrix(question: Locator) -> None:
    rate(question, "The text is clear", "Mostly")
    rate(question, "The text is true", "Partly")


def _other(question: Locator) -> None:
    choose(question, "Politics")
    question.get_by_role("textbox").fill("the weather")


def _ranking(question: Locator) -> None:
    question.get_by_role("button", name="Move up: Taste").click()


def _spans(question: Locator) -> None:
    mark_words(question, "Person", "Ada Moss")
    mark_words(question, "Place", "Lindau")


def _boxes(question: Locator) -> None:
    area = question.locator(".fq-image")
    question.get_by_role("button", name="House").click()
    drag(area, (48, 124), (213, 311))
    question.get_by_role("button", name="Tree").click()
    drag(area, (251, 185), (329, 319))


def _points(question: Locator) -> None:
    area = question.locator(".fq-image")
    click(area, (131, 280))
    click(area, (451, 285))


def _video(question: Locator) -> None:
    question.locator("video").evaluate(
        """async video => {
          await new Promise(done => { video.onseeked = done; video.currentTime = 0.8; });
          if (video.videoWidth !== 320) throw new Error("the video is not shown");
        }"""
    )
    choose(question, "It is thrown")


#: Questions about what is not text.
THINGS: Sequence[Shown] = (
    Shown(
        "video",
        """
  - name: answer
    type: choice
    question: What happens to the ball?
    show: {video: ball.webm, alt: A red ball that flies over a meadow, label: The video}
    options:
      - {value: thrown, label: It is thrown}
      - {value: caught, label: It is caught}
      - {value: none, label: Nothing}
""",
        _video,
    ),
)
KINDS: Sequence[Shown] = (
    Shown(
        "text",
        """
  - name: answer
    type: text
    question: In which year was it written?
    help: Write what is on the first page.
    pattern: "[0-9]{4}"
    pattern_help: Write four digits, such as 1984.
""",
        lambda question: question.get_by_role("textbox").fill("1871"),
    ),
    Shown(
        "long_text",
        """
  - name: answer
    type: long_text
    question: What is the story about?
    lines: 3
    max_length: 1000
""",
        lambda question: question.get_by_role("textbox").fill(
            "A girl follows a rabbit.\nNothing is as it seems."
        ),
    ),
    Shown(
        "number",
        """
  - name: answer
    type: number
    question: How long did you read?
    min: 0
    max: 600
    whole: true
    unit: minutes
""",
        lambda question: question.get_by_role("spinbutton").fill("45"),
    ),
    Shown(
        "choice",
        """
  - name: answer
    type: choice
    question: How does the author feel about it?
    options:
      - {value: good, label: Good, key: g}
      - {value: bad, label: Bad, key: b}
      - {value: mixed, label: "Mixed, or neither", help: Where you cannot decide., key: m}
""",
        lambda question: choose(question, "Mixed"),
    ),
    Shown(
        "choices",
        """
  - name: answer
    type: choices
    question: What is the text about?
    options:
      - sports
      - {value: pol, label: Politics, help: Parties and elections}
    other: Something else
    max: 2
""",
        _other,
    ),
    Shown(
        "matrix",
        """
  - name: answer
    type: matrix
    question: How much do you agree?
    rows:
      - {value: clear, label: The text is clear}
      - {value: true, label: The text is true}
    scale:
      - {value: 1, label: Not at all}
      - {value: 2, label: Partly}
      - {value: 3, label: Mostly}
      - {value: 4, label: Completely}
""",
        _matrix,
    ),
    Shown(
        "ranking",
        """
  - name: answer
    type: ranking
    question: What matters most to you when you buy apples?
    items:
      - {value: price, label: Price}
      - {value: taste, label: Taste}
      - {value: origin, label: Where they come from}
""",
        _ranking,
    ),
    Shown(
        "slider",
        """
  - name: answer
    type: slider
    question: How warm is the tone?
    left: cold
    right: warm
""",
        lambda question: move_slider(question.get_by_role("slider"), 70),
    ),
    Shown(
        "date",
        """
  - name: answer
    type: date
    question: When was your last journey by train?
    min: 2000-01-01
""",
        lambda question: question.locator("input").fill("2026-05-31"),
    ),
    Shown(
        "file",
        """
  - name: answer
    type: file
    question: A picture of the street that you live in
    accept: [image/*]
    max_megabytes: 5
""",
        lambda question: question.locator("input").set_input_files(PHOTO),
    ),
    Shown(
        "compare",
        """
  - name: answer
    type: compare
    question: Which answer helps more?
    a: Six minutes for a soft egg, ten for a hard one.
    b: That depends on many things.
    left: The left one
    right: The right one
    tie: Both help equally
    shuffle: false
""",
        lambda question: choose(question, "The left one"),
    ),
    Shown(
        "spans",
        """
  - name: answer
    type: spans
    question: Mark all names of people and places.
    text: Ada Moss left Lindau in May.
    labels: [{value: PER, label: Person}, {value: LOC, label: Place}]
""",
        _spans,
    ),
    Shown(
        "boxes",
        """
  - name: answer
    type: boxes
    question: Draw a box around each house and each tree.
    image: street_1.png
    alt: A street with two houses and two trees
    labels: [{value: house, label: House}, {value: tree, label: Tree}]
""",
        _boxes,
    ),
    Shown(
        "points",
        """
  - name: answer
    type: points
    question: Click on each door.
    image: street_1.png
    alt: A street with two houses and two trees
    max: 10
""",
        _points,
    ),
    Shown(
        "json",
        """
  - name: answer
    type: json
    question: What would the program have to return?
    keys: [status]
    lines: 3
""",
        lambda question: question.get_by_role("textbox").fill('{"status": 404, "retry": false}'),
    ),
)
