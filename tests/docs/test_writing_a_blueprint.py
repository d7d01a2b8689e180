"""The page's code is the example package's, and its commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/writing-a-blueprint.md"
EXAMPLE = ROOT / "sdk_examples/compare_texts"

_BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: First words of the commands that are not ours.
_OTHERS = {"pip", "pytest", "python"}


@frozen
class Block:
    """A fenced block: its language, the file it is taken from, its text."""

    language: str
    file: str
    text: str


BLOCKS = [Block(*found) for found in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
EXCERPTS = [block for block in BLOCKS if block.language != "sh"]
COMMANDS = [line for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()]


def test_page_shows_every_module_of_the_package() -> None:
    modules = (EXAMPLE / "src").rglob("*.py")

    assert {path.relative_to(EXAMPLE).as_posix() for path in modules} <= {
        block.file for block in EXCERPTS
    }


@pytest.mark.parametrize("block", EXCERPTS, ids=lambda block: f"{block.file}: {block.text[:30]}")
def test_code_is_an_excerpt_of_its_file(block: Block) -> None:
    wanted = block.text.splitlines()
    lines = (EXAMPLE / block.file).read_text(encoding="utf-8").splitlines()

    excerpts = (lines[start : start + len(wanted)] for start in range(len(lines)))

    assert any(_dedented(excerpt) == wanted for excerpt in excerpts)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_exists(command: str) -> None:
    program, *arguments = command.split()
    if program in _OTHERS:
        return

    help_of = [sys.executable, "-m", program, arguments[0], "--help"]
    done = subprocess.run(help_of, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def _dedented(lines: list[str]) -> list[str]:
    return textwrap.dedent("\n".join(lines)).split("\n")
