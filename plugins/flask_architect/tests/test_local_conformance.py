"""local keeps the rules of an architect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from famulus.testing import ArchitectConformance
from famulus_flask.architect import LocalArchitect

pytestmark = pytest.mark.slow


class TestLocal(ArchitectConformance):
    architect = LocalArchitect

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"port": 0}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {
            "no such port": {"port": 70_000},
            "no such address": {"port": 0, "hostname": "no.such.host.invalid"},
            "no web address": {"port": 0, "public_url": "example.org"},
        }
