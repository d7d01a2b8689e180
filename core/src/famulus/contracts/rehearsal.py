"""The fake of a platform that a provider's package may ship."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class Rehearsal(ABC):
    """A fake of a platform on this machine, served while its ``with`` block lasts.

    A run whose provider is pointed at it goes through the whole of the provider's code, and no
    worker, account or money is real. Its properties can be read only inside the block.
    """

    @property
    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """The options that point the provider at the fake, as they stand under ``provider:``."""

    @property
    def registration(self) -> Mapping[str, Any]:
        """The settings with which ``famulus register`` makes a requester of the fake."""
        return {}

    @property
    def environment(self) -> Mapping[str, str | None]:
        """The environment that calls to the fake need, such as keys; None unsets a variable."""
        return {}

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
