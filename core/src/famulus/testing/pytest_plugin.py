"""Loaded by pytest with ``-p famulus.testing.pytest_plugin``: fixtures for plugin authors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Share one Chromium among the tests. Where there is none they are skipped, in CI they fail."""
    from famulus.errors import UnavailableError
    from famulus.testing.browser import chromium

    with ExitStack() as stack:
        try:
            opened = stack.enter_context(chromium())
        except UnavailableError as error:
            if os.environ.get("CI"):
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield opened
