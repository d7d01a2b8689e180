"""Write the generated pages of the docs: ``python -m tools.reference``."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from .api import api_page
from .commands import commands_page
from .contracts import contracts_page
from .errors import errors_page
from .hooks import hooks_page
from .options import FOLDER, option_pages
from .testing import testing_page

DOCS = Path(__file__).parents[2] / "docs"

_PAGES = {
    "reference/hooks.md": hooks_page,
    "reference/contracts.md": contracts_page,
    "reference/api.md": api_page,
    "reference/errors.md": errors_page,
    "reference/testing.md": testing_page,
    "commands.md": commands_page,
}


def main() -> None:
    """Write every page, or compare each with what is there."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    pages = _PAGES | option_pages()
    left = [file for file in (DOCS / FOLDER).glob("*.md") if f"{FOLDER}/{file.name}" not in pages]
    if parser.parse_args().check:
        for file in left:
            print(f"{file.relative_to(DOCS.parent)}: of a type that is gone")
        sys.exit(any([bool(left), *(_differs(name, make()) for name, make in pages.items())]))
    for file in left:
        file.unlink()
    for name, make in pages.items():
        target = DOCS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(make(), encoding="utf-8")


def _differs(name: str, wanted: str) -> bool:
    target = DOCS / name
    found = target.read_text(encoding="utf-8") if target.exists() else ""
    diff = difflib.unified_diff(
        found.splitlines(),
        wanted.splitlines(),
        f"docs/{name}",
        "as the code says",
        lineterm="",
        n=1,
    )
    lines = list(diff)
    print("\n".join(lines), end="\n" if lines else "")
    return bool(lines)


if __name__ == "__main__":
    main()
