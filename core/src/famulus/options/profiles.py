"""Profiles: named configurations in the user's own folder, which apply to any task."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from famulus.errors import Problem, UsageError
from famulus.options.conf_files import SUFFIXES, conf_names, find_conf
from famulus.options.suggest import did_you_mean

#: Names the folder of the user's own configuration.
CONFIG_VARIABLE = "FAMULUS_CONFIG"

_KEY = "profile"


@frozen(kw_only=True)
class Profile:
    """One existing profile."""

    name: str
    file: Path


def profiles_folder() -> Path:
    """Return the folder of the profiles, which need not exist.

    The folder is ``profiles`` below the one that ``FAMULUS_CONFIG`` names, or else below the
    system's folder for a user's configuration.
    """
    chosen = os.environ.get(CONFIG_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute() / "profiles"
    from platformdirs import user_config_path

    return user_config_path("famulus") / "profiles"


def list_profiles() -> list[Profile]:
    """Return the existing profiles, by name."""
    folder = profiles_folder()
    return [Profile(name=name, file=find_conf([folder], name)) for name in conf_names([folder])]


def find_profile(name: str) -> Profile:
    """Return the profile of that name.

    :raises UsageError: when there is none; the message lists the existing ones.
    """
    known = {profile.name: profile for profile in list_profiles()}
    plain = name.removesuffix(".yaml").removesuffix(".yml")
    if plain in known:
        return known[plain]
    folder = profiles_folder()
    near = did_you_mean(plain, known) or "; a profile is a file NAME.yaml in that folder"
    raise UsageError(Problem(f"there is no profile {name!r} in {folder}{near}", key=_KEY))


def profile_name(file: Path) -> str | None:
    """Return the name of the profile in a file; None if the file is no profile."""
    is_one = file.parent == profiles_folder() and file.suffix in SUFFIXES
    return file.stem if is_one else None


def split_profile(overrides: Iterable[str]) -> tuple[str | None, list[str]]:
    """Take ``+profile=NAME``, with or without its plus, from the overrides.

    Return the name (the last one of several) and the other overrides.

    :raises UsageError: when it is there without a name.
    """
    name, rest = None, []
    for text in overrides:
        key, sign, value = text.partition("=")
        if key.strip().lstrip("+") != _KEY:
            rest.append(text)
        elif sign and value.strip():
            name = value.strip()
        else:
            message = f"names no profile; write it as in +profile=NAME{_known()}"
            raise UsageError(Problem(message, key=_KEY))
    return name, rest


def with_profile(name: str | None, overrides: Iterable[str]) -> tuple[str, ...]:
    """Return overrides that choose a profile, unless they choose one themselves."""
    return (*([] if name is None else [f"+{_KEY}={name}"]), *overrides)


def _known() -> str:
    return did_you_mean("", (profile.name for profile in list_profiles()))
