"""The keys that sign workers' pages: from the environment, and from a file beside SQLite."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from famulus.errors import DatabaseError, Problem, UsageError
from famulus.model.location import Location
from famulus.model.private_files import make_folder, open_new

KEY_VARIABLE = "FAMULUS_SECRET_KEY"

#: Characters of the shortest key: 16 random bytes as hexadecimal digits.
SHORTEST_KEY = 32

_HOW_TO_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_hex(32))' makes one"


def signing_keys(location: Location) -> Sequence[bytes]:
    """Return the keys of workers' pages: the first one signs, signatures by all are accepted.

    The keys in ``FAMULUS_SECRET_KEY`` come first, then the keys in the file beside an SQLite
    database, so that open pages stay valid when the variable is set later. The file is created if
    there are no keys in either.

    :raises famulus.UsageError: for PostgreSQL without ``FAMULUS_SECRET_KEY``, and for a key in it
        that is blank or short.
    :raises famulus.DatabaseError: for a key file that cannot be used.
    """
    keys = _given_keys(location)
    if location.path is not None:
        file = _key_file(location.path)
        try:
            if not keys:
                _create_key(file, location.path)
        except OSError as error:
            raise _unusable(file, error) from error
        keys += _stored_keys(file)
    return list(dict.fromkeys(keys))


def check_keys(location: Location) -> None:
    """Raise the errors of :func:`signing_keys`, without creating a file."""
    _given_keys(location)
    if location.path is not None:
        _stored_keys(_key_file(location.path))


def _given_keys(location: Location) -> list[bytes]:
    """Return the keys in the environment; for SQLite there may be none."""
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        try:
            return _split(os.fsencode(given), "unset it, or set a new key")
        except ValueError as error:
            raise UsageError(Problem(str(error), key=KEY_VARIABLE)) from None
    if location.path is None:
        message = (
            f"is not set; it signs the pages that workers have open: set it to one key for every "
            f"process that uses {location.shown}; {_HOW_TO_MAKE_ONE}"
        )
        raise UsageError(Problem(message, key=KEY_VARIABLE))
    return []


def _stored_keys(file: Path) -> list[bytes]:
    """Return the keys of a file; none if it does not exist."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(file, error) from error
    try:
        return _split(
            content, "restore it from a backup, or delete it (open pages are refused then)"
        )
    except ValueError as error:
        raise DatabaseError(f"the key file {file}: {error}") from None


def _key_file(database: Path) -> Path:
    return database.with_name(f"{database.name}-key")


def _unusable(file: Path, error: OSError) -> DatabaseError:
    return DatabaseError(f"cannot use the key file {file}: {error.strerror}")


def _split(text: bytes, remedy: str) -> list[bytes]:
    """Return the keys in a text.

    :raises ValueError: with the fault and the remedy, when there is no key or a short one.
    """
    keys = [key for key in re.split(rb"[\s,]+", text) if key]
    if not keys:
        raise ValueError(f"is blank; {remedy}; {_HOW_TO_MAKE_ONE}")
    for number, key in enumerate(keys, start=1):
        if len(key) < SHORTEST_KEY:
            raise ValueError(
                f"key {number} of {len(keys)} has {len(key)} characters and needs at least "
                f"{SHORTEST_KEY} (spaces, commas and line breaks separate keys); {remedy}; "
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
    """Sync a folder's entries to the disk: without the key, every open page would be refused."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
