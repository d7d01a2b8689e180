"""Every relative link in a page of the repository leads to a file, and its anchor to a heading; and
every page can be found from the README.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^( *)```.*?^\1```[^\n]*$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4,}\S.*\n?)+", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("core/README.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("sdk_examples/*/README.md")),
]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def prose(page: Path) -> str:
    """A page without its blocks of code, in which brackets are not links and # is not a heading."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[tuple[str, str]]:
    """Targets and anchors of the links that stay in the repository."""
    found = LINK.findall(INDENTED.sub("", prose(page)))
    split = (unquote(link).partition("#") for link in found if not ELSEWHERE.match(link))
    return [(target, anchor) for target, _, anchor in split]


def target_of(page: Path, link: str) -> Path:
    return (page.parent / link).resolve() if link else page


@cache
def anchors(page: Path) -> frozenset[str]:
    """GitHub's anchors for the headings of a page: the second of one name ends in -1, and so on."""
    found: list[str] = []
    for heading in HEADING.findall(prose(page)):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each) is not None for each in found)
        found.append(f"{slug}-{again}" if again else slug)
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        f"{link}#{anchor}"
        for link, anchor in links(page)
        if not target_of(page, link).exists()
        or (anchor and anchor not in anchors(target_of(page, link)))
    ]

    assert dead == []


def test_links_stay_in_the_repository() -> None:
    outside = [
        f"{name(page)}: {link}"
        for page in PAGES
        for link, _ in links(page)
        if not target_of(page, link).is_relative_to(ROOT)
    ]

    assert outside == []


def test_every_page_is_found_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [target_of(page, link) for link, _ in links(page)]

    assert [name(page) for page in PAGES if page not in seen] == []


def test_the_readme_lists_every_how_to() -> None:
    listed = {target for target, _ in links(ROOT / "README.md")}

    assert {f"docs/how-to/{page.name}" for page in (ROOT / "docs/how-to").glob("*.md")} <= listed
