"""What is not known of Prolific is a switch of its fake: one run passes in every position."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from famulus_prolific.fake import TOKEN, Facts
from famulus_prolific.tokens import VARIABLE
from prolific_machine import Study
from prolific_story import SETUP, check_ends, play
from prolific_switches import POSITIONS, each_position

pytestmark = pytest.mark.slow

_DEFAULTS = attrs.asdict(Facts(), recurse=False)
OTHERS = [(name, value) for name, value in each_position() if value != _DEFAULTS[name]]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Study]]:
    """A function that launches a run of five units."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    launched: list[Study] = []

    def launch(**setup: Any) -> Study:
        launched.append(Study(tmp_path, attrs.evolve(SETUP, **setup)))
        return launched[-1]

    yield launch
    for study in launched:
        study.close()


def test_every_switch_has_positions_to_try() -> None:
    assert POSITIONS.keys() == _DEFAULTS.keys()
    assert all(_DEFAULTS[name] in positions for name, positions in POSITIONS.items())


def test_a_run_passes_as_prolific_probably_is(launch: Callable[..., Study]) -> None:
    study = launch()

    check_ends(study, play(study))


@pytest.mark.parametrize(
    ("name", "position"), OTHERS, ids=[f"{name}={value}" for name, value in OTHERS]
)
def test_a_run_passes_where_prolific_is_otherwise(
    launch: Callable[..., Study], name: str, position: Any
) -> None:
    # A feature that is missing is what this switch is about.
    missing = frozenset({"webhooks"} if name == "no_feature" else ())
    study = launch(facts={name: position}, missing=missing)

    check_ends(study, play(study))
