"""The architect external, which starts nothing, keeps the rules of an architect."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from famulus import Gateway
from famulus.testing import ArchitectConformance
from famulus_flask.external import ExternalArchitect
from outside_server import OutsideServer

pytestmark = pytest.mark.slow


class TestExternal(ArchitectConformance):
    architect = ExternalArchitect
    starts_server = False

    @pytest.fixture(autouse=True)
    def _outside_server(self) -> Iterator[None]:
        with contextlib.closing(OutsideServer()) as self.server:
            yield

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"public_url": self.server.url}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {"no address": {}, "no web address": {"public_url": "example.org"}}

    def serve_outside(self, gateway: Gateway, url: str) -> AbstractContextManager[None]:
        return self.server.serving(gateway, url)
