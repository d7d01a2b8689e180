"""Which Chromium the kit starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.errors import UnavailableError
from famulus.testing.chromium import launch_options

SHELL, WHOLE = "chromium-headless-shell", "chromium"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs on a path that has nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FAMULUS_CHROMIUM", raising=False)

    def installed(*names: str) -> None:
        for name in names:
            (tmp_path / name).touch(0o755)

    return installed


@pytest.mark.parametrize(
    ("names", "started"),
    [((SHELL, WHOLE), SHELL), ((SHELL,), SHELL), ((WHOLE,), WHOLE)],
    ids=["both", "shell", "whole"],
)
def test_the_shell_is_started_where_it_is_installed(
    names: tuple[str, ...], started: str, install: Install, tmp_path: Path
) -> None:
    install(*names)

    assert launch_options()["executable_path"] == str(tmp_path / started)


def test_the_environment_names_another(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(SHELL, WHOLE)
    monkeypatch.setenv("FAMULUS_CHROMIUM", WHOLE)

    assert launch_options()["executable_path"] == str(tmp_path / WHOLE)


@pytest.mark.parametrize("named", ["", "nowhere"])
def test_a_chromium_that_is_missing_is_named_with_the_remedy(
    named: str, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(*[SHELL, WHOLE] if named else [])
    monkeypatch.setenv("FAMULUS_CHROMIUM", named)

    with pytest.raises(UnavailableError, match=f"no {named or f'{SHELL} or {WHOLE}'}: install it"):
        launch_options()
