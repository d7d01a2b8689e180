"""Uploads copied beside an export: safe names, whole files, and a rerun that completes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from famulus.data.copied_files import FileCopies, distinct_names

HOSTILE = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/shadow",
    "C:\\con.txt",
    "..",
    "",
    ".bashrc",
    "a\x00b.png",
    "a:b|c?.png",
    "x" * 500 + ".jpeg",
    "Ö" * 500,
    "nul",
    "a." + "y" * 300,
    "-rf",
    "--help.txt",
    "/-rf",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "a\x1b[2Jb",
    "CON",
    "com\u00b9.png",
    "$(reboot)",
    "`x`;y&z",
    "~root",
]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    folder.mkdir()
    return folder


@pytest.fixture
def copies(tmp_path: Path) -> FileCopies:
    return FileCopies(tmp_path / "answers_files")


def record(stored: Path, *names: str, unit: int = 12, agent: int = 15) -> dict[str, Any]:
    """Return a record with files whose content differs by a number."""
    files = []
    for number, name in enumerate(names):
        content = f"content {unit} {agent} {number}".encode()
        path = stored / f"{unit}-{agent}-{number}"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append({"field": "f", "name": name, "sha256": digest, "path": str(path)})
    return {"unit": unit, "agent": agent, "files": files}


def content_of(copies: FileCopies) -> dict[str, str]:
    return {
        path.relative_to(copies.folder).as_posix(): path.read_text()
        for path in copies.folder.rglob("*")
        if path.is_file()
    }


def test_path_of_a_copy_begins_with_the_folder(stored: Path, copies: FileCopies) -> None:
    (copied,) = copies.of([record(stored, "cat.png")])

    (file,) = copied["files"]
    assert file["path"] == "answers_files/unit-12-agent-15/cat.png"
    assert (copies.folder.parent / file["path"]).read_text() == "content 12 15 0"
    assert (file["name"], copies.number, copies.problems) == ("cat.png", 1, [])


def test_repeated_name_overwrites_nothing(stored: Path, copies: FileCopies) -> None:
    list(
        copies.of(
            [
                record(stored, "cat.png", "CAT.png", "cat-2.png", "cat.png"),
                record(stored, "cat.png", agent=16),
            ]
        )
    )

    assert sorted(content_of(copies).values()) == sorted(
        [f"content 12 15 {number}" for number in range(4)] + ["content 12 16 0"]
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_are_no_paths(stored: Path, copies: FileCopies, name: str) -> None:
    (copied,) = copies.of([record(stored, name)])

    path = copies.folder.parent / copied["files"][0]["path"]
    assert path.parent.resolve() == copies.folder.resolve() / "unit-12-agent-15"
    assert not path.name.startswith((".", "-", "~"))
    assert path.name.isprintable()
    assert path.stem.casefold() not in {"con", "nul", "com\u00b9"}
    assert not set(path.name) & set('$`;&|<>*?:"\\/')
    assert path.read_text() == "content 12 15 0"


def test_names_stay_readable() -> None:
    assert distinct_names(["Mein Bild (1).png", "Öl.tar.gz", "C:\\con.txt", "..", "a/b.c"]) == [
        "Mein Bild (1).png",
        "Öl.tar.gz",
        "_con.txt",
        "file",
        "b.c",
    ]


def test_missing_or_changed_file_is_reported_and_others_are_copied(
    stored: Path, copies: FileCopies
) -> None:
    records = [record(stored, "gone.png", "changed.png", "fine.png")]
    gone, changed = (Path(file["path"]) for file in records[0]["files"][:2])
    gone.unlink()
    changed.write_text("something else")

    (copied,) = copies.of(records)

    assert [file["path"] is None for file in copied["files"]] == [True, True, False]
    assert list(content_of(copies)) == ["unit-12-agent-15/fine.png"]
    first, second = copies.problems
    assert first == f"unit 12: gone.png not copied: {gone}: No such file or directory"
    assert second == f"unit 12: changed.png not copied: {changed} has changed since it was stored"


def test_rerun_completes_an_interrupted_copy_and_keeps_existing_files(
    stored: Path, copies: FileCopies
) -> None:
    records = [record(stored, "a.png", "b.png", "c.png")]
    list(copies.of(records))
    whole = copies.folder / "unit-12-agent-15" / "a.png"
    inode = whole.stat().st_ino
    whole.with_name("b.png").write_text("half")
    whole.with_name("c.png").unlink()
    whole.with_name(".c.png.part").write_text("ha")

    list(FileCopies(copies.folder).of(records))

    assert content_of(copies) == {
        f"unit-12-agent-15/{name}.png": f"content 12 15 {number}"
        for number, name in enumerate("abc")
    }
    assert whole.stat().st_ino == inode


def test_records_without_files_create_no_folder(stored: Path, copies: FileCopies) -> None:
    assert [each["files"] for each in copies.of([record(stored)])] == [[]]
    assert not copies.folder.exists()
