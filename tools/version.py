"""Print the version of all packages, or set it: ``python -m tools.version 0.2.0``.

It is written in core, as ``famulus.__version__``. A plugin is built from its own folder alone, so
its ``pyproject.toml`` holds a copy, and the range of versions of Famulus that it asks for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.workspace import ROOT, example_packages, members

SOURCE = ROOT / "core/src/famulus/__init__.py"
_WRITTEN = re.compile(r'^(__version__|version) = "([^"]*)"$', re.MULTILINE)
_RANGE = re.compile(r"(famulus[\w-]*(?:\[[\w,-]+\])?)>=[\d.]+,<[\d.]+")


def version() -> str:
    """Return the version that core has."""
    found = _WRITTEN.search(SOURCE.read_text(encoding="utf-8"))
    assert found is not None, f"{SOURCE} has no __version__"
    return found[2]


def supported_range(version: str) -> str:
    """Return the versions of Famulus that a package of this version works with."""
    major, minor, _ = version.split(".")
    return f">={major}.{minor},<{major}.{int(minor) + 1}"


def with_version(text: str, version: str) -> str:
    """Return a file's text with this version, and the range that goes with it."""
    text = _WRITTEN.sub(rf'\1 = "{version}"', text)
    return _RANGE.sub(rf"\1{supported_range(version)}", text)


def files() -> list[Path]:
    """Return the files that hold the version or a range of it."""
    folders = (*members(), *example_packages())
    return [SOURCE, *(folder / "pyproject.toml" for folder in folders)]


def main(arguments: list[str]) -> None:
    """Print the version, or write the given one everywhere."""
    if not arguments:
        print(version())
        return
    [wanted] = arguments
    if not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
        sys.exit(f"a version has three numbers, such as 0.2.0, unlike {wanted!r}")
    for path in files():
        path.write_text(with_version(path.read_text(encoding="utf-8"), wanted), encoding="utf-8")
    print("now: make docs, a heading in CHANGELOG.md, make test")


if __name__ == "__main__":
    main(sys.argv[1:])
