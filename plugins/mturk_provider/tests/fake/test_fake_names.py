"""The names that the package of the fake exports."""

from __future__ import annotations

import pytest

from famulus_mturk import fake


@pytest.mark.parametrize(
    ("former", "present"),
    [("Entry", "LedgerEntry"), ("Shown", "HitPage"), ("Worker", "FakeWorker")],
)
def test_former_name_works_with_a_warning(former: str, present: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"use {present}"):
        found = getattr(fake, former)

    assert found is getattr(fake, present)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'famulus_mturk\.fake' has no attribute 'Nothing'"):
        fake.Nothing  # noqa: B018 - the access is what is tested
