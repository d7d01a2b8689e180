"""Where the token is kept."""

from __future__ import annotations

import stat
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from famulus import UsageError
from famulus_prolific.tokens import NoTokenError, keep_secret, read_token


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.mark.parametrize("place", ["keyring", "file"])
def test_a_token_is_found_where_it_was_kept(
    place: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", MemoryKeyring())
    for token in ("first", "second"):
        keep_secret(place, "account", token)

        assert read_token(place, "account") == token
    with pytest.raises(NoTokenError, match="missing"):
        read_token(place, "another")


def test_the_file_of_a_token_is_readable_by_its_owner_alone(config: Path) -> None:
    keep_secret("file", "account", "secret")

    (path,) = [each for each in config.rglob("*") if each.is_file()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(NoTokenError, match="chmod 600"):
        read_token("file", "account")


@pytest.mark.parametrize("name", ["../account", "", "a/b"])
def test_an_account_is_no_path(name: str, config: Path) -> None:
    with pytest.raises(UsageError):
        keep_secret("file", name, "secret")


def test_without_a_keyring_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]

    with pytest.raises(UsageError, match="keep_token_in=file"):
        keep_secret("keyring", "account", "secret")
    with pytest.raises(NoTokenError, match="cannot be read"):
        read_token("keyring", "account")
