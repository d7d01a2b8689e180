"""A fake MTurk as the platform of runs: the options that direct the providers to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from famulus import Clock, Rehearsal
from famulus_mturk.fake import FakeMTurk

#: Keys that AWS's own search finds, and nothing of this machine's settings.
ENVIRONMENT: Mapping[str, str | None] = MappingProxyType(
    {
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_SESSION_TOKEN": None,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PROFILE": None,
        "AWS_DEFAULT_PROFILE": None,
    }
)


class MturkRehearsal(Rehearsal):
    """A fake MTurk with two sites, one of which the provider uses.

    :param sandbox: whether the provider uses the sandbox instead of the live site, which has 100
        dollars.
    """

    def __init__(self, clock: Clock, *, sandbox: bool) -> None:
        #: both sites
        self.mturk = FakeMTurk(clock)
        #: the site of the provider: its API, its workers and its faults
        self.account = self.mturk.sandbox if sandbox else self.mturk.live

    @property
    def options(self) -> Mapping[str, Any]:
        """The addresses of the API and of the site for workers."""
        return {**self.registration, "worker_site": self.account.worker_url}

    @property
    def registration(self) -> Mapping[str, Any]:
        """The address of the API."""
        return {"endpoint_url": self.account.endpoint_url}

    @property
    def environment(self) -> Mapping[str, str | None]:
        """Keys that the fake accepts."""
        return ENVIRONMENT

    def __enter__(self) -> Self:
        self.mturk.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.mturk.__exit__(kind, error, trace)
