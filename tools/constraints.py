"""Print the version of everything that the workspace runs and is tested with, as pip constraints.

Reads what is installed beside this interpreter: names and versions, no addresses. Only what the
members and the group ``dev`` need, by themselves or through others, is among it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from tools.workspace import ROOT, members, toml_of

_OWN = re.compile(r"famulus(-.*)?")


def direct_requirements() -> Iterator[str]:
    """Yield what the members and those who develop them ask for, extras included."""
    for member in members():
        project = toml_of(member)["project"]
        yield from project.get("dependencies", ())
        for extra in project.get("optional-dependencies", {}).values():
            yield from extra
    yield from toml_of(ROOT)["dependency-groups"]["dev"]


def tested_together() -> dict[str, str]:
    """Return the installed version of each package that is needed, by name."""
    found: dict[str, str] = {}
    waiting = [(Requirement(text), frozenset[str]()) for text in direct_requirements()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extras = waiting.pop()
        name = canonical(requirement.name)
        wanted = frozenset(requirement.extras)
        if (name, wanted) in seen or _OWN.fullmatch(name) or not _applies(requirement, extras):
            continue
        seen.add((name, wanted))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = installed.version
        waiting += [(Requirement(text), wanted) for text in installed.requires or ()]
    return found


def canonical(name: str) -> str:
    """Return the name under which an index knows a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras))


def main() -> None:
    """Print one line per package."""
    python = ".".join(map(str, sys.version_info[:2]))
    print(f"# Tested together on Python {python}; written by `make constraints`.")
    for name, version in sorted(tested_together().items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main()
