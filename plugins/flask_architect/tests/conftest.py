"""The stub gateway, for tests in this process and in serving ones."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def stub_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("flask_stub_gateway")


@pytest.fixture
def gateway(stub_module: Any, tmp_path: Path) -> Any:
    return stub_module.StubGateway(tmp_path)
