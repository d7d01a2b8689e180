"""The keys that sign workers' pages: from the environment, and from a file beside SQLite."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from famulus.errors import DatabaseError
from famulus.model.location import Location
from famulus.model.private import make_folder, open_new

KEY_VARIABLE = "FAMULUS_SECRET_KEY"

#: Characters of the shortest key: 16 random bytes as hexadecimal digits.
SHORTEST_KEY = 32

_HOW_TO_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"


def signing_keys(location: Location) -> Sequence[bytes]:
    """Return the keys that sign workers' pages: the first signs, all are accepted.

    The keys of ``FAMULUS_SECRET_KEY`` come first, those of the file beside an SQLite database
    follow, so that pages which are open stay valid when the variable is set later. The file is
    created where there is neither.

    :raises famulus.DatabaseError: for PostgreSQL without ``FAMULUS_SECRET_KEY``, and for a key
        that is blank or short.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is None and location.path is None:
        raise DatabaseError(
            f"set {KEY_VARIABLE} to a long random text, the same for every process that uses "
            f"{location.shown}; it signs the pages that workers have open; {_HOW_TO_MAKE_ONE}"
        )
    keys: list[bytes] = []
    if given is not None:
        keys += _split(os.fsencode(given), KEY_VARIABLE, "unset it, or set a new key")
    if location.path is not None:
        file = location.path.with_name(f"{location.path.name}-key")
        try:
            if given is None:
                _create_key(file, location.path)
            content = file.read_bytes() if file.exists() else None
        except OSError as error:
            raise DatabaseError(f"cannot use the key file {file}: {error.strerror}") from error
        if content is not None:
            remedy = "restore it from a backup, or delete it (open pages are refused then)"
            keys += _split(content, f"the key file {file}", remedy)
    return list(dict.fromkeys(keys))


def _split(text: bytes, source: str, remedy: str) -> list[bytes]:
    keys = [key for key in re.split(rb"[\s,]+", text) if key]
    if not keys:
        raise DatabaseError(f"{source} is blank; {remedy}; {_HOW_TO_MAKE_ONE}")
    for number, key in enumerate(keys, start=1):
        if len(key) < SHORTEST_KEY:
            raise DatabaseError(
                f"key {number} of {len(keys)} in {source} has {len(key)} characters and needs at "
                f"least {SHORTEST_KEY} (spaces, commas and line breaks separate keys); {remedy}; "
                f"{_HOW_TO_MAKE_ONE}"
            )
    return keys


def _create_key(file: Path, database: Path) -> None:
    if file.exists():
        return
    make_folder(file.parent)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = open_new(draft, like=database, group_writes=False)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_hex(32).encode())
        stream.flush()
        os.fsync(stream.fileno())
    try:
        # A link never replaces an existing file: of two processes that start at once, one wins.
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """Sync a folder's entries: without the key, every open page is refused."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
