"""Writing a file that is complete or absent, never partial."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from famulus.errors import UsageError
from famulus.escaping import escaped

#: Half a surrogate pair, which a form can send and UTF-8 cannot hold, is written as its escape.
_ERRORS = "backslashreplace"


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a text to write that takes the file's place once it is complete.

    A target that is not a regular file, such as a device or a pipe, is written directly.

    :raises famulus.UsageError: when it cannot be written.
    """
    target = path.resolve()
    if target.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not _is_ordinary(target):
        with target.open("w", encoding="utf-8", newline="", errors=_ERRORS) as stream:
            yield stream
        return
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        stream = draft.open("x", encoding="utf-8", newline="", errors=_ERRORS)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def folder_aside(path: Path) -> Path | None:
    """Return the folder for temporary data while a file is written: the file's own.

    None, which means the system's temporary folder, if it is not a regular file.
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

    The stream stays open. A file or a pipe gets the text as it is; characters that control a
    terminal are escaped on one.
    """
    kind = _TerminalText if binary.isatty() else io.TextIOWrapper
    stream = kind(binary, encoding="utf-8", newline="", errors=_ERRORS)
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()
