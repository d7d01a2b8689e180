"""Profiles on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path / "mine"))
    folder = tmp_path / "mine" / "profiles"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("chosen", [["--profile", "lab"], ["+profile=lab"]])
@pytest.mark.parametrize("command", [["check"], ["launch"], ["config", "show"]])
def test_every_command_that_reads_a_configuration_takes_a_profile(
    famulus: Callable[..., Result],
    example: Path,
    folder: Path,
    chosen: list[str],
    command: list[str],
) -> None:
    (folder / "lab.yaml").write_text("architect:\n  port: lots\n")

    done = famulus(*command, example, *chosen)

    assert done.exit_code == 2
    [problem] = done.stderr.splitlines()
    assert f"{folder / 'lab.yaml'}:2: architect.port: 'lots' is not a whole number" in problem


def test_config_show_names_the_profile(
    famulus: Callable[..., Result], example: Path, folder: Path
) -> None:
    (folder / "lab.yaml").write_text("architect:\n  port: 0\n")

    done = famulus("config", "show", "--profile", "lab", example)

    assert done.exit_code == 0
    [line] = [line for line in done.stdout.splitlines() if line.startswith("  port:")]
    assert line.split() == ["port:", "0", "#", "profile", "lab:2"]


def test_profiles_are_listed_with_their_files(famulus: Callable[..., Result], folder: Path) -> None:
    (folder / "lab.yaml").write_text("architect:\n  port: 0\n")

    listed, as_json = famulus("profiles"), famulus("profiles", "--json")

    assert listed.stdout.splitlines() == ["NAME  FILE", f"lab   {folder / 'lab.yaml'}"]
    assert json.loads(as_json.stdout) == [{"name": "lab", "file": str(folder / "lab.yaml")}]


def test_no_profiles_is_a_hint(famulus: Callable[..., Result], folder: Path) -> None:
    done = famulus("profiles")

    assert (done.exit_code, done.stdout) == (0, "")
    assert f"each is a file NAME.yaml in {folder}" in done.stderr
