"""Keys for AWS's own search for keys."""

from __future__ import annotations

import pytest

from mturk_bench import set_keys


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_keys(monkeypatch)
