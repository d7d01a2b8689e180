"""The keys that sign workers' pages: where they are found, which are refused, how they rotate."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from famulus.errors import DatabaseError, UsageError
from famulus.model.location import Location, locate
from famulus.model.signing_keys import check_keys, signing_keys

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
POSTGRESQL = Location("postgresql://user:hush@host/name", None)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAMULUS_SECRET_KEY", raising=False)


def test_the_key_lies_beside_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    location = locate(tmp_path / "below" / "a.db")

    keys = signing_keys(location)

    file = tmp_path / "below" / "a.db-key"
    assert len(keys[0]) >= 32
    assert signing_keys(location) == keys == [file.read_bytes()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_threads_that_want_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    location = locate(tmp_path / "a.db")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: signing_keys(location)[0], range(32)))

    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.db-key"]


def test_postgresql_needs_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"FAMULUS_SECRET_KEY: is not set.*token_hex") as caught:
        signing_keys(POSTGRESQL)
    assert "hush" not in str(caught.value)

    monkeypatch.setenv("FAMULUS_SECRET_KEY", A)
    assert signing_keys(POSTGRESQL) == [A.encode()]


@pytest.mark.parametrize("given", ["", " ", "\n", ",", "short", "a key of many short words, long"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_short_or_blank_key_is_refused_with_how_to_make_one(
    kind: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", given)

    with pytest.raises(UsageError, match=r"FAMULUS_SECRET_KEY: .*token_hex"):
        signing_keys(locate(tmp_path / "a.db") if kind == "sqlite" else POSTGRESQL)


@pytest.mark.parametrize("content", ["", "\n", "short\n", f"{A}\nshort\n"])
def test_a_short_or_blank_key_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.db-key").write_text(content)

    with pytest.raises(DatabaseError, match=r"a\.db-key: .*token_hex") as caught:
        signing_keys(locate(tmp_path / "a.db"))
    assert "short;" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [f"{A} {B}", f"{A},{B}", f"{A}, {B}\n", f" {A}\r\n{B}\r\n", f"{A}\n{B}\n{A}"]
)
def test_several_keys_keep_their_order(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.db-key").write_text(text)
    assert signing_keys(locate(tmp_path / "a.db")) == [A.encode(), B.encode()]

    monkeypatch.setenv("FAMULUS_SECRET_KEY", text)
    assert signing_keys(POSTGRESQL) == [A.encode(), B.encode()]


def test_the_variable_goes_before_the_file_of_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.db-key").write_text(f"{A}\n")
    monkeypatch.setenv("FAMULUS_SECRET_KEY", f"{C} {B}")

    assert signing_keys(locate(tmp_path / "a.db")) == [C.encode(), B.encode(), A.encode()]


def test_keys_are_checked_without_creating_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = locate(tmp_path / "a.db")

    check_keys(location)
    assert not [*tmp_path.iterdir()]

    with pytest.raises(UsageError, match="FAMULUS_SECRET_KEY: is not set"):
        check_keys(POSTGRESQL)
    (tmp_path / "a.db-key").write_text("short")
    with pytest.raises(DatabaseError, match=r"a\.db-key"):
        check_keys(location)
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "short")
    with pytest.raises(UsageError, match="FAMULUS_SECRET_KEY: key 1 of 1"):
        check_keys(location)


def test_no_file_is_created_where_the_variable_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", A)

    assert signing_keys(locate(tmp_path / "a.db")) == [A.encode()]
    assert not [*tmp_path.iterdir()]
