"""Plugins that count as installed, in this process and in its child processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def install_plugin(
    folder: Path, module: str, *, source: Path | None = None, patch: pytest.MonkeyPatch
) -> None:
    """Write the metadata of a distribution that registers a module, and put both on the path.

    :param folder: where the metadata is written; each plugin needs its own folder.
    :param source: the folder of the module; None if the module can already be imported.
    """
    name = module.rpartition(".")[2]
    metadata = folder / f"{name}-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text(f"[famulus]\n{name} = {module}\n")
    added = [str(each) for each in (folder, source) if each is not None]
    before = os.environ.get("PYTHONPATH", "")
    patch.setenv("PYTHONPATH", os.pathsep.join([*added, *filter(None, [before])]))
    for path in reversed(added):
        patch.syspath_prepend(path)
