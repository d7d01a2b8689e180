"""The page's code is the example package's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/writing-a-check.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "sdk_examples/recent_work_check"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "text"), [(file, text) for _, file, text in BLOCKS if file], ids=lambda each: each[:30]
)
def test_code_is_an_excerpt_of_its_file(file: str, text: str) -> None:
    assert text in (EXAMPLE / file).read_text(encoding="utf-8")


def test_page_shows_every_module() -> None:
    modules = {path.relative_to(EXAMPLE).as_posix() for path in (EXAMPLE / "src").rglob("*.py")}

    assert modules <= {file for _, file, _ in BLOCKS}


def test_configuration_has_the_options_of_the_check() -> None:
    (text,) = [text for language, _, text in BLOCKS if language == "yaml"]

    options = yaml.safe_load(text)["task"]["qualification_checks"]["recent_work"]

    assert options == {"task_name": "pilot", "days": 7}
