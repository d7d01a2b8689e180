"""Writing a file that is complete or absent, never partial."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from famulus.errors import UnavailableError, UsageError
from famulus.escaping import escaped
from famulus.model.private_files import create_file

#: Half a surrogate pair, which a form can send and UTF-8 cannot hold, is written as its escape.
_ERRORS = "backslashreplace"


@contextmanager
def whole_file(path: Path, *, like: Path | None = None) -> Iterator[TextIO]:
    """Open a text file for writing that replaces ``path`` once it is complete.

    A target that is not a regular file, such as a device or a pipe, is written directly. A regular
    file is readable only for its owner, under any umask.

    :param like: a file or folder; if its group may read it, the group may read the new file too.
    :raises famulus.UsageError: when it cannot be opened.
    :raises famulus.UnavailableError: when writing fails, as on a full disk.
    """
    target = path.resolve()
    if target.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    is_ordinary = _is_ordinary(target)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        if is_ordinary:
            # Its permissions are those of the file that it becomes.
            create_file(draft, like=like, group_writes=False)
            stream = draft.open("w", encoding="utf-8", newline="", errors=_ERRORS)
        else:
            stream = target.open("w", encoding="utf-8", newline="", errors=_ERRORS)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        with _written(str(path)):
            with stream:
                yield stream
                if is_ordinary:
                    stream.flush()
                    os.fsync(stream.fileno())
            if is_ordinary:
                draft.replace(target)
    finally:
        if is_ordinary:
            draft.unlink(missing_ok=True)


def folder_aside(path: Path) -> Path | None:
    """Return the folder for temporary data while a file is written: the file's own folder.

    None, which means the system's temporary folder, if the target is not a regular file.
    """
    target = path.resolve()
    return target.parent if _is_ordinary(target) else None


def _is_ordinary(target: Path) -> bool:
    return target.is_file() or not target.exists()


class _TerminalText(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        return super().write(escaped(text))


@contextmanager
def text_on(binary: BinaryIO) -> Iterator[TextIO]:
    """Write text to an open binary stream, in UTF-8 regardless of the terminal's encoding.

    The stream stays open. A file or a pipe gets the text unchanged; on a terminal, control
    characters are escaped.

    :raises famulus.UnavailableError: when writing fails, as on a full disk.
    """
    kind = _TerminalText if binary.isatty() else io.TextIOWrapper
    stream = kind(binary, encoding="utf-8", newline="", errors=_ERRORS)
    with _written("the output"):
        try:
            yield stream
            stream.flush()
        finally:
            stream.detach()


@contextmanager
def _written(name: str) -> Iterator[None]:
    """Raise UnavailableError for a failed write, but not for a pipe whose reader has left."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnavailableError(f"cannot write {name}: {error.strerror or error}") from error
