"""The page's code is the example package's, and the package's command keeps its promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import famulus

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/writing-a-command.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "sdk_examples/agreement_command"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "text"), [(file, text) for _, file, text in BLOCKS if file], ids=lambda each: each[:30]
)
def test_code_is_an_excerpt_of_its_file(file: str, text: str) -> None:
    assert text in (EXAMPLE / file).read_text(encoding="utf-8")


def test_page_names_every_member_of_the_session() -> None:
    public = {name for name in dir(famulus.Session) if not name.startswith("_")}

    table = PAGE.partition("| the session has |")[2].partition("\n\n")[0]
    named = {
        name for row in table.splitlines() for name in re.findall(r"`(\w+)", row.split("|")[1])
    }
    assert named == public | {"verbose"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        if not target.startswith("https:"):
            assert (ROOT / "docs/how-to" / target).exists(), target
