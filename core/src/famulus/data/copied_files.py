"""Copies of uploaded files next to an export, under readable names."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from famulus.errors import UnavailableError
from famulus.model.private_files import create_file, make_folder

#: Characters of a name that are kept: in bytes, that is short enough for every file system.
_LONGEST_STEM, _LONGEST_SUFFIX = 40, 16
#: Names that Windows reserves for devices, with any suffix.
_DEVICES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789\u00b9\u00b2\u00b3"),
    }
)
_BLOCK = 2**20


class FileCopies:
    """A folder into which the files of export records are copied.

    Each submission has its own subfolder; file names are derived from the names that the worker's
    browser sent. A file that already exists with the same content is not copied again, and no file
    is ever incomplete: repeating an interrupted export completes it.

    :param like: a file or folder: if its group may read it, the group may read the copies too.
        Otherwise only their owner may, under any umask.
    """

    def __init__(self, folder: Path, *, like: Path | None = None) -> None:
        self.folder = folder
        self._like = like
        self.number = 0
        #: one message per file that could not be copied
        self.problems: list[str] = []

    def of(self, records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Copy the files of each record, and yield the record with the ``path`` of each copy.

        Paths begin with the folder's name; the path of a file that could not be copied is None.
        """
        for record in records:
            place = f"unit-{record['unit']}-agent-{record['agent']}"
            names = distinct_names(file["name"] for file in record["files"])
            files = [
                {**file, "path": self._copied(record, file, f"{place}/{name}")}
                for file, name in zip(record["files"], names, strict=True)
            ]
            yield {**record, "files": files}

    def _copied(self, record: Mapping[str, Any], file: Mapping[str, Any], place: str) -> str | None:
        source, target = Path(file["path"]), self.folder / place
        try:
            problem = None
            if _digest(target) != file["sha256"]:
                problem = _copy(source, target, file["sha256"], self._like)
        except OSError as error:
            raise UnavailableError(f"cannot copy {source} to {target}: {error.strerror}") from error
        if problem is not None:
            self.problems.append(f"unit {record['unit']}: {file['name']} not copied: {problem}")
            return None
        self.number += 1
        return f"{self.folder.name}/{place}"


def distinct_names(names: Iterable[str]) -> list[str]:
    """Return a safe file name for each untrusted name; duplicates get a number.

    Names that differ only in case are duplicates: some file systems do not distinguish them.
    """
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem, suffix = _safe(name)
        number, wanted = 1, f"{stem}{suffix}"
        while wanted.casefold() in taken:
            number += 1
            wanted = f"{stem}-{number}{suffix}"
        taken.add(wanted.casefold())
        found.append(wanted)
    return found


def _safe(name: str) -> tuple[str, str]:
    """Return the stem and suffix of a file name that is safe on every operating system.

    The name has no path separators and is not mistaken for a command-line option or a device.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(char if char.isalnum() or char in "._-() " else "_" for char in last).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = kept, "", ""
    stem = stem[:_LONGEST_STEM].rstrip(" .") or "file"
    is_option = stem.startswith("-")
    if is_option or stem.split(".")[0].strip().casefold() in _DEVICES:
        stem = f"_{stem}"
    return stem, f"{dot}{suffix}"


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _copy(source: Path, target: Path, sha256: str, like: Path | None) -> str | None:
    """Copy a file; return a message if it is missing or damaged, else None."""
    digest = hashlib.sha256()
    draft = target.with_name(f".{target.name}.part")
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(source.open("rb"))
        except OSError as error:
            return f"{source}: {error.strerror}"
        make_folder(target.parent, like=like)
        # An export that was killed may have left one.
        draft.unlink(missing_ok=True)
        stack.callback(draft.unlink, missing_ok=True)
        create_file(draft, like=like, group_writes=False)
        with draft.open("wb") as copy:
            while block := stream.read(_BLOCK):
                digest.update(block)
                copy.write(block)
        if digest.hexdigest() != sha256:
            return f"{source} has changed since it was stored"
        draft.replace(target)
    return None
