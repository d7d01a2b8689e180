"""What a worker does in one unit of each study that ``famulus new task`` copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from gallery_kinds import choose, drag, mark_words, move_slider, rate

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def _question(page: Page, name: str) -> Locator:
    return page.locator(f"#fq-{name}")


def _slide(page: Page, name: str, value: int) -> None:
    move_slider(_question(page, name).get_by_role("slider"), value)


def _write(page: Page, name: str, text: str) -> None:
    _question(page, name).locator("input, textarea").first.fill(text)


def _sentiment(page: Page) -> None:
    page.keyboard.press("g")
    _slide(page, "strength", 4)
    _write(page, "words", "bright, quiet and cheap")


def _preference(page: Page) -> None:
    _question(page, "preference").locator("[value=a]").check()
    _write(page, "reason", "It answers the question.")


def _summary(page: Page) -> None:
    criteria = _question(page, "criteria")
    rate(criteria, "All it says is in the article", "Completely")
    rate(criteria, "It has what matters most", "Mostly")
    rate(criteria, "It has nothing that could be left out", "Completely")
    rate(criteria, "It reads well", "Mostly")
    choose(_question(page, "invented"), "no")
    choose(_question(page, "usable"), "After small changes")


def _names(page: Page) -> None:
    names = _question(page, "names")
    mark_words(names, "Person", "Ada Moss")
    mark_words(names, "Place", "Lindau")
    mark_words(names, "Organisation", "Northern Lamp Company")


def _boxes(page: Page) -> None:
    things = _question(page, "things")
    area = things.locator(".fq-image")
    things.get_by_role("button", name="House").click()
    drag(area, (48, 124), (213, 311))
    drag(area, (378, 155), (523, 311))
    things.get_by_role("button", name="Tree").click()
    drag(area, (251, 185), (329, 319))
    drag(area, (547, 208), (614, 323))
    choose(_question(page, "hidden"), "no")


def _transcription(page: Page) -> None:
    choose(_question(page, "speech"), "Yes")
    _write(page, "transcript", "ah eh ee")
    _write(page, "speakers", "1")
    choose(_question(page, "quality"), "well")


def _translation(page: Page) -> None:
    _slide(page, "adequacy", 95)
    _slide(page, "fluency", 60)
    mark_words(_question(page, "errors"), "Style", "half hour delay")
    _write(page, "better", "The train was half an hour late.")


def _toxicity(page: Page) -> None:
    page.get_by_role("button", name="I am at least 18 years old and I agree").click()
    choose(_question(page, "toxicity"), "Not at all")
    choose(_question(page, "certainty"), "very sure")


def _survey(page: Page) -> None:
    choose(_question(page, "means"), "By bicycle", "By bus or train")
    _write(page, "minutes", "25")
    page.get_by_role("button", name="Next").click()
    for row, rating in (("On time", "mostly"), ("Clean", "always"), ("Cheap enough", "sometimes")):
        rate(_question(page, "public_rating"), row, rating)
    page.get_by_role("button", name="Next").click()
    _write(page, "last_long_journey", "2026-05-31")


def _models(page: Page) -> None:
    _question(page, "better").locator("[value=b]").check()
    choose(_question(page, "margin"), "clearly")
    choose(_question(page, "faults"), "It does not do what was asked")
    _question(page, "order").get_by_role("button", name="Move up: That it helps").click()
    _write(page, "notes", '{"comment": "The first one is too short."}')


WORK: Mapping[str, Callable[[Page], None]] = MappingProxyType(
    {
        "sentiment": _sentiment,
        "pairwise-preference": _preference,
        "summary-quality": _summary,
        "named-entities": _names,
        "image-boxes": _boxes,
        "audio-transcription": _transcription,
        "translation-quality": _translation,
        "toxicity": _toxicity,
        "survey": _survey,
        "model-comparison": _models,
    }
)
