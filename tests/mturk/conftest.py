"""Keys for AWS's own search for keys, and AWS's descriptions of its services, read once."""

from __future__ import annotations

import pytest

from mturk_bench import set_keys, share_service_descriptions


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_keys(monkeypatch)


@pytest.fixture(autouse=True)
def service_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    share_service_descriptions(monkeypatch)
