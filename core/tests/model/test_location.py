"""Where databases, their keys and their files are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.errors import DatabaseError, UsageError
from famulus.model.database import Database
from famulus.model.location import locate


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("FAMULUS_DATABASE", "FAMULUS_SECRET_KEY", "FAMULUS_FILES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("runs.db", "{here}/runs.db"),
        ("a folder/runs.db", "{here}/a folder/runs.db"),
        ("/tmp/runs.db", "/tmp/runs.db"),
        (Path("runs.db"), "{here}/runs.db"),
        ("~/runs.db", "{here}/home/runs.db"),
        ("sqlite:///runs.db", "{here}/runs.db"),
        ("sqlite:////tmp/runs.db", "/tmp/runs.db"),
        (None, "{here}/data/famulus/famulus.db"),
    ],
)
def test_files_are_sqlite(address: str | Path | None, path: str, tmp_path: Path) -> None:
    location = locate(address)

    assert str(location.path) == path.format(here=tmp_path)
    assert location.shown == str(location.path)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://host/name", "of the kind mysql:.*; give the path of a file"),
        (".", "is a folder; give the path of a file in it"),
        ("", "is a folder; give the path of a file in it"),
        (":memory:", "cannot be shared between processes"),
        ("sqlite://:memory:", "cannot be shared between processes"),
    ],
)
def test_an_unusable_address_is_refused_with_the_remedy(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        locate(address)


def test_the_environment_is_asked_where_no_address_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAMULUS_DATABASE", "named.db")

    assert locate().path == tmp_path / "named.db"
    assert locate("other.db").path == tmp_path / "other.db"


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    with Database(tmp_path / "below" / "a.db") as database:
        assert not database.exists

    assert not (tmp_path / "below").exists()


def test_a_closed_database_is_named(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    database.close()
    database.close()

    with pytest.raises(DatabaseError, match="is closed"):
        database.write(lambda _: None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        Database(tmp_path / "file" / "a.db") as database,
        pytest.raises(DatabaseError, match="cannot create the folder of"),
    ):
        database.write(lambda _: None)


def test_files_are_beside_sqlite_and_in_the_folder_of_the_environment_for_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql = locate("postgresql:///shop/../x")

    assert locate(tmp_path / "a.db").files == tmp_path / "a.db-files"
    assert postgresql.files.parent == tmp_path / "data" / "famulus"
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "elsewhere"))
    assert postgresql.files == tmp_path / "elsewhere"
