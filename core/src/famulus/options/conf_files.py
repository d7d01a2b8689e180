"""Configurations by name: the YAML files that lie together in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from famulus.errors import Problem, UsageError
from famulus.options.suggest import did_you_mean

_SUFFIXES = (".yaml", ".yml")


def find_conf(folders: Sequence[Path], name: str) -> Path:
    """Return the file of that name, with or without ``.yaml``, in the first folder that has it.

    :raises UsageError: when there is none; the message lists the existing ones.
    """
    for folder in folders:
        for suffix in ("", *_SUFFIXES):
            file = folder / f"{name}{suffix}"
            if file.suffix in _SUFFIXES and file.is_file():
                return file
    near = did_you_mean(name, conf_names(folders))
    places = " or ".join(map(str, folders))
    raise UsageError(Problem(f"there is no {name!r} in {places}{near}", key="conf"))


def conf_names(folders: Iterable[Path]) -> list[str]:
    """Return the sorted names that :func:`find_conf` accepts."""
    return sorted({file.stem for folder in folders for file in _files(folder)})


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.suffix in _SUFFIXES)
