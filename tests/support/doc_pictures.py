"""Pictures of pages for the docs, which are taken while tests have these pages open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Where pictures are kept: FAMULUS_PICTURES=docs/how-to/images has those of the docs taken again.
_VARIABLE = "FAMULUS_PICTURES"
_WIDTH, _MOST_HEIGHT = 720, 640


def picture(page: Page, name: str) -> None:
    """Keep a picture of what a page shows, from its top; nothing where pictures are not asked for.

    :param name: of the file, without its ending.
    """
    folder = os.environ.get(_VARIABLE)
    if not folder:
        return
    before = page.viewport_size
    page.set_viewport_size({"width": _WIDTH, "height": _MOST_HEIGHT})
    page.evaluate("scrollTo(0, 0)")
    lowest = page.evaluate(
        "Math.max(...Array.from(document.querySelectorAll('main, main *'),"
        " (each) => each.getBoundingClientRect().bottom))"
    )
    height = min(_MOST_HEIGHT, round(lowest) + 20)
    area = {"x": 0, "y": 0, "width": _WIDTH, "height": height}
    page.screenshot(path=Path(folder) / f"{name}.png", clip=area)  # type: ignore[arg-type]
    if before is not None:
        page.set_viewport_size(before)
