"""For the tests of core: the platform whose providers they bring."""

from __future__ import annotations

import pytest

from famulus.testing.fake_platform import FakePlatform


@pytest.fixture
def platform() -> FakePlatform:
    """A platform without faults; a module's fixture ``plugins`` brings its providers."""
    return FakePlatform()
