"""Plugins that count as installed, in this process and in those that it starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def install_plugin(folder: Path, module: str, *, source: Path, patch: pytest.MonkeyPatch) -> None:
    """Write the metadata of a distribution that registers a module, and put both on the path.

    :param folder: where the metadata is written; no other plugin's.
    :param source: the folder that has the module.
    """
    metadata = folder / f"{module}-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text(f"[famulus]\n{module} = {module}\n")
    before = os.environ.get("PYTHONPATH", "")
    paths = [str(folder), str(source), *filter(None, [before])]
    patch.setenv("PYTHONPATH", os.pathsep.join(paths))
    for path in (source, folder):
        patch.syspath_prepend(str(path))
