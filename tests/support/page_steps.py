"""What a worker does on a page, written as words.

``click SELECTOR``, ``type SELECTOR TEXT``, ``press SELECTOR KEY``, ``wait EXPRESSION`` until a
JavaScript expression is true, ``fill`` every field that can be seen, and ``submit`` with the button
that is not the author's, or the last one of theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TEXTS = {
    "email": "ann@example.org",
    "url": "https://example.org/",
    "tel": "+1 555 0100",
    "number": "3",
    "range": "4",
    "date": "2030-01-02",
    "datetime-local": "2030-01-02T12:30",
    "time": "12:30",
    "month": "2030-01",
    "week": "2030-W03",
    "color": "#336699",
}
_CANNOT_BE_FILLED = ("hidden", "submit", "button", "reset", "image")


def take_step(tab: Any, step: str, folder: Path) -> None:
    """Do one step on a page. ``folder`` takes the files that are chosen."""
    verb, _, rest = step.partition(" ")
    if verb == "fill":
        _fill(tab, folder)
    elif verb == "submit":
        # A page can have a button of its own beside ours.
        ours = tab.locator("#famulus-submit:visible")
        others = tab.locator("[type=submit]:not(#famulus-give-back):visible")
        (ours if ours.count() else others.last).click(no_wait_after=True)
    elif verb == "click":
        tab.locator(rest).click(no_wait_after=True)
    elif verb in ("type", "press"):
        selector, _, text = rest.partition(" ")
        field = tab.locator(selector)
        field.fill(text) if verb == "type" else field.press(text, no_wait_after=True)
    else:
        assert verb == "wait", f"there is no step {verb}"
        tab.wait_for_function(rest)


def _fill(tab: Any, folder: Path) -> None:
    """Fill in the visible controls; the values depend on their position in the page."""
    own = "input:not([name^=famulus_], #assignmentId), select, textarea"
    chosen: set[str] = set()
    for number, control in enumerate(tab.locator(own).all()):
        tag, kind, name = control.evaluate("each => [each.localName, each.type, each.name]")
        if kind in _CANNOT_BE_FILLED or not control.is_visible() or not control.is_enabled():
            continue
        if tag == "select":
            control.select_option(index=control.locator("option").count() - 1)
        elif kind == "radio" and name not in chosen:
            control.check()
            chosen.add(name)
        elif kind == "checkbox" and name not in chosen:
            control.click()
            chosen.add(name)
        elif kind == "file":
            file = folder / f"file {number}.txt"
            file.write_text("content", encoding="utf-8")
            control.set_input_files(file)
        elif kind not in ("radio", "checkbox") and control.is_editable():
            control.fill(_TEXTS.get(kind, f'Text {number}: é 漢 & "x" + 1%'))
