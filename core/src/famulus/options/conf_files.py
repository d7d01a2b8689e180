"""Configurations by name: the YAML files that lie together in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from famulus.errors import Problem, UsageError
from famulus.options.suggest import did_you_mean

#: How the name of a configuration file ends.
SUFFIXES = (".yaml", ".yml")


def find_conf(folders: Sequence[Path], name: str) -> Path:
    """Return the file of that name, with or without ``.yaml``, in the first folder that has it.

    :raises UsageError: when there is none; the message lists the existing ones.
    """
    file = seek_conf(folders, name)
    if file is None:
        raise UsageError(Problem(missing_conf(folders, name), key="conf"))
    return file


def seek_conf(folders: Iterable[Path], name: str) -> Path | None:
    """Return the file that :func:`find_conf` returns; None when there is none."""
    files = (folder / f"{name}{suffix}" for folder in folders for suffix in ("", *SUFFIXES))
    return next((file for file in files if file.suffix in SUFFIXES and file.is_file()), None)


def missing_conf(folders: Sequence[Path], name: str) -> str:
    """Return the message about a missing file, with the names that exist."""
    near = did_you_mean(name, conf_names(folders))
    return f"there is no {name!r} in {' or '.join(map(str, folders))}{near}"


def conf_names(folders: Iterable[Path]) -> list[str]:
    """Return the sorted names that :func:`find_conf` accepts."""
    return sorted({file.stem for folder in folders for file in _files(folder)})


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
