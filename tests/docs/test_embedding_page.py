"""The code of docs/embedding.md is that of the examples, which tests/embedding runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = sorted((ROOT / "sdk_examples" / "embedding").glob("*.py"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0].strip())
def test_block_is_taken_from_a_program(block: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in PROGRAMS]

    assert any(block in source for source in sources)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_program_is_explained(program: Path) -> None:
    assert f"../sdk_examples/embedding/{program.name}" in PAGE
