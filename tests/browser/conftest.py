"""Pages of a stub of the server, opened in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from frame_stub import (
    Stub,
    document,
    serving,
)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(document()) as server:
        yield server


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    contexts = []

    def open_url(url: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(url, wait_until="commit")
        return page

    yield open_url
    for context in contexts:
        context.close()
