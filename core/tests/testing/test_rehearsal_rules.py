"""A provider whose fake breaks a rule fails the test of that rule."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from attrs import define, frozen

import famulus
from famulus.testing import ProviderConformance
from famulus.testing.kinds import CrowdProvider

RULE = "test_rehearsal_is_a_fake_that_the_provider_works_with"


@define
class Fake(famulus.Rehearsal):
    """A fake that can be called with its key, while it is started."""

    options: Mapping[str, Any] = {"address": "fake"}
    registration: Mapping[str, Any] = {"account": "fake"}
    environment: Mapping[str, str | None] = {"CROWD_KEY": "a-key", "CROWD_PROFILE": None}
    is_started: bool = False

    def __enter__(self) -> Self:
        self.is_started = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_started = False


@frozen(kw_only=True)
class CrowdArgs:
    address: str | None = famulus.option(help="The address of the platform.")


@frozen(kw_only=True)
class AccountArgs:
    account: str | None = famulus.option(help="The account.")


class Crowd(CrowdProvider):
    type = "rehearsed"
    Args = CrowdArgs
    RequesterArgs = AccountArgs

    def register(self, name: str, args: Any) -> Mapping[str, Any]:
        if (args.account, os.environ.get("CROWD_KEY")) != ("fake", "a-key"):
            raise famulus.UsageError("the platform does not know the account")
        return {}


def rules_for(fake: Any) -> Any:
    """Return the rules of a provider with that fake."""
    made = type("Made", (Crowd,), {"rehearsal": classmethod(lambda _: fake)})
    return type("Rules", (ProviderConformance,), {"provider": made})()


def test_fake_that_keeps_the_rules_is_accepted_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROWD_PROFILE", "real")
    fake = Fake()

    getattr(rules_for(fake), RULE)(tmp_path)

    assert not fake.is_started
    assert os.environ["CROWD_PROFILE"] == "real"


@pytest.mark.parametrize(
    ("fake", "sentence"),
    [
        (object(), "must return a famulus.Rehearsal or None"),
        (Fake(options={"adress": "fake"}), "options that core can read"),
        (Fake(registration={"account": "other"}), "register.. must accept the registration"),
        (Fake(registration={"name": "fake"}), "register.. must accept the registration"),
        (Fake(environment={}), "register.. must accept the registration"),
    ],
)
def test_broken_fake_is_named(tmp_path: Path, fake: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        getattr(rules_for(fake), RULE)(tmp_path)
