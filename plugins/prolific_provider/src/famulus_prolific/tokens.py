"""Where the token of an account is kept: a file, the system's keyring, or the environment.

It is never in the database, since copies of the database may go to other people than the account's
owner. A process that serves a run has neither its operator's environment nor, in most cases, a
keyring: it can only read files.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from famulus import UnavailableError, UsageError

VARIABLE = "PROLIFIC_TOKEN"
KEYRING, FILE, ENVIRONMENT = "keyring", "file", "environment"
PLACES = (FILE, KEYRING, ENVIRONMENT)
_SERVICE = "famulus-prolific"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NoTokenError(UnavailableError):
    """This process cannot read the token; another process may, or the token may be stored later."""


def keep_secret(place: str, name: str, secret: str) -> None:
    """Store a secret of an account, in place of an earlier one of that name.

    :param place: the file or the keyring; the user sets the environment.
    :raises famulus.UsageError: when it cannot be stored there.
    """
    if place == FILE:
        _write_file(_path(name), secret)
        return
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(_SERVICE, name, secret)
    except KeyringError as error:
        raise UsageError(
            f"there is no keyring to keep the token in ({error}): register with "
            f"keep_token_in={FILE}, or set {VARIABLE}"
        ) from error


def read_secret(place: str, name: str) -> str | None:
    """Return a secret of an account; None if it is not there.

    :raises NoTokenError: when the place cannot be read.
    """
    if place == ENVIRONMENT:
        return os.environ.get(VARIABLE, "").strip() or None
    if place == FILE:
        return _read_file(_path(name))
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, name)
    except KeyringError as error:
        raise NoTokenError(f"the keyring that has the token cannot be read: {error}") from error


def read_token(place: str, account: str) -> str:
    """Return the token of an account.

    :raises NoTokenError: when there is none, or it cannot be read.
    """
    found = read_secret(place, account)
    if found is None:
        where = f"the variable {VARIABLE}" if place == ENVIRONMENT else f"the {place}"
        raise NoTokenError(
            f"the token of Prolific is missing from {where}: put it there, or register the "
            "requester again"
        )
    return found


def _path(name: str) -> Path:
    if not re.fullmatch(r"[\w-]{1,128}", name):
        raise UsageError(f"{name!r} is not the id of an account")
    import platformdirs

    return Path(platformdirs.user_config_dir("famulus")) / "prolific" / f"{name}.token"


def _write_file(path: Path, secret: str) -> None:
    """Write a file that other users cannot read at any moment."""
    new = path.with_suffix(f".{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise UsageError(f"the token cannot be written to {path}: {error}") from error


def _read_file(path: Path) -> str | None:
    try:
        if path.stat().st_mode & _OTHERS:
            raise NoTokenError(f"others can read {path}, which has a token: `chmod 600 {path}`")
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise NoTokenError(f"{path}, which holds a token, cannot be read: {error}") from error
