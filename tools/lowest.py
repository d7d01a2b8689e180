"""Print the lowest allowed version of each direct dependency, as constraints for pip.

Reads the ``pyproject.toml`` of the folders it is given: ``lowest.py core plugins/static_html``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

#: A name, its extras, and the bound that opens what may follow it.
_LOWER_BOUND = re.compile(r"(?P<name>[\w.-]+)\s*(\[[^]]*])?\s*>=\s*(?P<version>[\w.]+)")


def requirements(folder: Path) -> Iterator[str]:
    """Yield what a member depends on, by itself and through its extras."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from project.get("dependencies", ())
    for extra in project.get("optional-dependencies", {}).values():
        yield from extra


def pins(folders: Sequence[Path]) -> dict[str, str]:
    """Return the version each dependency is pinned to; the workspace's own members have none.

    :raises ValueError: when a dependency has no lower bound, or two members differ about it.
    """
    found: dict[str, str] = {}
    for requirement in (each for folder in folders for each in requirements(folder)):
        if requirement.startswith("famulus"):
            continue
        bound = _LOWER_BOUND.match(requirement)
        if bound is None:
            raise ValueError(f"{requirement!r} has no lower bound; write one, such as >=1.2")
        name, version = bound["name"], bound["version"]
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} has the lower bounds {found[name]} and {version}; choose one")
    return found


def main(folders: Sequence[str]) -> None:
    """Print a line ``name==version`` for each dependency."""
    for name, version in sorted(pins([Path(folder) for folder in folders]).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main(sys.argv[1:])
