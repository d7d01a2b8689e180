"""The pictures of the docs: each is shown, made by a test, and small.

Those of the gallery have a test of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs/gallery"
SHOWN = re.compile(r"\]\((?:[\w./-]*/)?([\w-]+)\.png\)")
MADE = re.compile(r'picture\([\w.]+, "([\w-]+)"\)')
MOST_BYTES = 80_000


def test_pictures_are_shown_and_can_be_made_again() -> None:
    files = {each.stem: each for each in docs("*.png")}
    shown = {name for page in docs("*.md") for name in SHOWN.findall(text(page))}
    made = {
        name for test in (ROOT / "tests").rglob("test_*.py") for name in MADE.findall(text(test))
    }

    assert set(files) == shown == made


def test_pictures_are_small() -> None:
    sizes = {each.name: each.stat().st_size for each in docs("*.png")}

    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}


def docs(pattern: str) -> list[Path]:
    return [each for each in (ROOT / "docs").rglob(pattern) if GALLERY not in each.parents]


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
