from __future__ import annotations

from pathlib import Path
from typing import Any

from famulus.testing import ArchitectConformance
from famulus_gunicorn.architect import Gunicorn


class TestGunicorn(ArchitectConformance):
    architect = Gunicorn

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"port": 0}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {
            "no process": {"port": 0, "workers": 0},
            "no such port": {"port": 70_000},
            "no web address": {"port": 0, "public_url": "example.org"},
        }
