"""The members of the workspace: the packages that are developed, tested and released together."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def toml_of(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's ``pyproject.toml``."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def members() -> list[Path]:
    """Return the folders that ``[tool.uv.workspace]`` lists, in its order."""
    patterns = toml_of(ROOT)["tool"]["uv"]["workspace"]["members"]
    found = [path.parent for each in patterns for path in ROOT.glob(f"{each}/pyproject.toml")]
    return sorted(found, key=lambda folder: (folder.parent != ROOT, folder.name))


def example_packages() -> list[Path]:
    """Return the folders of the examples that are third-party packages, by name."""
    return sorted(path.parent for path in ROOT.glob("sdk_examples/*/pyproject.toml"))
