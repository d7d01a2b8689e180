"""A fake Prolific as the platform of runs: the options that direct the provider to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from famulus import Clock, Rehearsal
from famulus_prolific.fake import FakeProlific


class ProlificRehearsal(Rehearsal):
    """A fake Prolific, with an account that has a thousand pounds."""

    def __init__(self, clock: Clock) -> None:
        #: its API, its participants and its faults
        self.prolific = FakeProlific(clock)

    @property
    def options(self) -> Mapping[str, Any]:
        """The addresses of the API and of the participants' site."""
        return {**self.registration, "site_url": self.prolific.site_url}

    @property
    def registration(self) -> Mapping[str, Any]:
        """The address of the API."""
        return {"api_url": self.prolific.api_url}

    @property
    def environment(self) -> Mapping[str, str | None]:
        """A token that the fake accepts."""
        return {"PROLIFIC_TOKEN": self.prolific.token}

    def __enter__(self) -> Self:
        self.prolific.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.prolific.__exit__(kind, error, trace)
