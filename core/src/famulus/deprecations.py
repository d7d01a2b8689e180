"""Every deprecation of Famulus: what is deprecated, since when, and what to use instead.

docs/versioning.md has the policy. A deprecated name works, and warns, until the version in which it
is removed; then its entry here goes with it.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import attrs
from attrs import frozen

T = TypeVar("T")


class FamulusDeprecationWarning(DeprecationWarning):
    """A name, method or option that will be removed is used. The message names the replacement.

    Turn it into an error in the tests of a plugin, with pytest's option ``filterwarnings =
    ["error::famulus.FamulusDeprecationWarning"]``.
    """


@frozen(kw_only=True)
class Deprecation:
    """One deprecated name. ``since`` and ``removed_in`` are versions, such as ``0.3``."""

    old: str
    new: str
    since: str
    removed_in: str

    def __str__(self) -> str:
        return (
            f"{self.old} is deprecated since Famulus {self.since} and will be removed in"
            f" {self.removed_in}: use {self.new}"
        )

    def warn(self, *, user: str = "", stacklevel: int = 2) -> None:
        """Warn the user of the deprecated name.

        :param user: the name of the code that uses it, such as a class, if no line can be shown.
        :param stacklevel: as of :func:`warnings.warn`; 2 is the caller of this method.
        """
        message = f"{user}: {self}" if user else str(self)
        warnings.warn(message, FamulusDeprecationWarning, stacklevel=stacklevel + 1)


#: Deprecated names of public modules, by module and name.
NAMES: Mapping[str, Mapping[str, Deprecation]] = MappingProxyType(
    {
        "famulus": {
            "QUAL_NOT_EXISTS": Deprecation(
                old="QUAL_NOT_EXISTS", new="QUAL_NOT_EXIST", since="0.1", removed_in="1.0"
            ),
        },
        "famulus.testing": {
            "Filled": Deprecation(old="Filled", new="FormData", since="0.1", removed_in="1.0"),
            "GatewayWay": Deprecation(
                old="GatewayWay", new="GatewayTransport", since="0.1", removed_in="1.0"
            ),
            "Hall": Deprecation(old="Hall", new="CheckHarness", since="0.1", removed_in="1.0"),
            "HttpWay": Deprecation(
                old="HttpWay", new="HttpTransport", since="0.1", removed_in="1.0"
            ),
        },
    }
)


#: Deprecated members of public classes, by the class.
MEMBERS: Mapping[str, Sequence[Deprecation]] = MappingProxyType(
    {
        "CheckHarness": (
            Deprecation(old="known", new="known_worker", since="0.1", removed_in="1.0"),
        ),
        "QualificationCheckConformance": (
            Deprecation(old="hall", new="harness", since="0.1", removed_in="1.0"),
        ),
        "ScriptedWorker": (
            Deprecation(old="way", new="transport", since="0.1", removed_in="1.0"),
            Deprecation(old="steady", new="submit_all", since="0.1", removed_in="1.0"),
            Deprecation(old="offline", new="retry_submission", since="0.1", removed_in="1.0"),
        ),
    }
)


def renamed(module: str, name: str) -> str:
    """Return the present name of a public name of ``module``; warn if ``name`` is deprecated.

    For the ``__getattr__`` of a module: the warning shows the line that asked for the name.
    """
    deprecation = NAMES.get(module, {}).get(name)
    if deprecation is None:
        return name
    deprecation.warn(stacklevel=3)
    return deprecation.new


def adopt_renamed_methods(plugin_class: type, renames: Mapping[str, Deprecation]) -> None:
    """Let a plugin's class that implements a method under its deprecated name keep working.

    For the ``__init_subclass__`` of a contract. The method is put under its present name, so that
    core calls that name only, and a warning names the class. A class that implements both names
    is left alone: it also works with versions of Famulus before the rename.

    :param renames: the deprecations of the contract's methods, by the deprecated name.
    """
    own = vars(plugin_class)
    for old, deprecation in renames.items():
        if old in own and deprecation.new not in own:
            setattr(plugin_class, deprecation.new, own[old])
            deprecation.warn(
                user=f"{plugin_class.__module__}.{plugin_class.__qualname__}", stacklevel=3
            )


def keep_renamed_members(cls: type[T]) -> type[T]:
    """Let the members of a public class be used under their deprecated names in :data:`MEMBERS`.

    Members can be read, set and called. A field of an attrs class is also accepted by the
    constructor under its deprecated name. The deprecated names are in no listing of the class.
    """
    for deprecation in MEMBERS[cls.__name__]:
        setattr(cls, deprecation.old, _RenamedMember(deprecation))
    if attrs.has(cls):
        _accept_renamed_fields(cls)
    return cls


class _RenamedMember:
    """Stand-in for a member under its deprecated name, which warns when it is used."""

    def __init__(self, deprecation: Deprecation) -> None:
        self._deprecation = deprecation

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        self._deprecation.warn(user=type(instance).__name__)
        return getattr(instance, self._deprecation.new)

    def __set__(self, instance: Any, value: Any) -> None:
        self._deprecation.warn(user=type(instance).__name__)
        setattr(instance, self._deprecation.new, value)


def _accept_renamed_fields(cls: type[Any]) -> None:
    construct = cls.__init__
    fields = attrs.fields_dict(cls)
    renames = [each for each in MEMBERS[cls.__name__] if each.new in fields]

    @functools.wraps(construct)
    def accepting(self: Any, *args: Any, **given: Any) -> None:
        for deprecation in renames:
            if deprecation.old in given:
                if deprecation.new in given:
                    raise TypeError(
                        f"{cls.__name__} got {deprecation.old} and {deprecation.new}: "
                        f"give {deprecation.new} only"
                    )
                deprecation.warn(user=cls.__name__)
                given[deprecation.new] = given.pop(deprecation.old)
        construct(self, *args, **given)

    setattr(cls, "__init__", accepting)  # noqa: B010 - mypy refuses an assignment
