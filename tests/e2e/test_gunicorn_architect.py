"""The example architect, whose server forks, keeps the rules of an architect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from famulus.testing import ArchitectConformance
from famulus_gunicorn.architect import Gunicorn
from installed import install_plugin

pytestmark = pytest.mark.slow

_SOURCE = Path(__file__).parents[2] / "sdk_examples/gunicorn_architect/src"


@pytest.fixture(autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("installed")
    install_plugin(folder, "famulus_gunicorn", source=_SOURCE, patch=monkeypatch)


class TestGunicorn(ArchitectConformance):
    architect = Gunicorn

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"port": 0}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {"no process": {"port": 0, "workers": 0}, "no such port": {"port": 70_000}}
