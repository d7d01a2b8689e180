"""The names that the package of the fake exports."""

from __future__ import annotations

import pytest

from famulus_prolific import fake


def test_former_name_works_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="use LedgerEntry"):
        found = fake.Entry

    assert found is fake.LedgerEntry


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        fake.Nothing  # noqa: B018 - the access is what is tested
