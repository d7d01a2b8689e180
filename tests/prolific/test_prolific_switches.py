"""What is not known of Prolific is a switch of its fake: one run passes in every position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
#: switches that are changed together in one run: few enough that a failure can be read
_TOGETHER = 9
#: Without webhooks, the switches that are about them say nothing.
_ALONE = "no_feature"


def _groups() -> Iterator[dict[str, Any]]:
    """Yield switches in other positions, some at a time, until every position was among them."""
    waiting = [each for each in OTHERS if each[0] != _ALONE]
    while waiting:
        group = dict(list(dict(reversed(waiting)).items())[:_TOGETHER])
        yield group
        waiting = [each for each in waiting if each not in group.items()]
    yield from ({name: value} for name, value in OTHERS if name == _ALONE)


GROUPS = list(_groups())


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


def missing(facts: Mapping[str, Any]) -> frozenset[str]:
    """Return what the workspace has not: the switch is about a feature that is missing."""
    return frozenset({"webhooks"} if _ALONE in facts else ())


def test_every_switch_has_positions_to_try() -> None:
    assert POSITIONS.keys() == _DEFAULTS.keys()
    assert all(_DEFAULTS[name] in positions for name, positions in POSITIONS.items())


def test_a_run_passes_as_prolific_probably_is(launch: Callable[..., Study]) -> None:
    study = launch()

    check_ends(study, play(study))


def test_every_position_is_in_one_group() -> None:
    grouped = [each for group in GROUPS for each in group.items()]

    assert len(grouped) == len(OTHERS)
    assert all(each in grouped for each in OTHERS)


@pytest.mark.parametrize("group", GROUPS, ids=range(len(GROUPS)))
def test_a_run_passes_where_prolific_is_otherwise_in_several_ways(
    launch: Callable[..., Study], group: dict[str, Any]
) -> None:
    study = launch(facts=group, missing=missing(group))

    check_ends(study, play(study))


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "position"), OTHERS, ids=[f"{name}={value}" for name, value in OTHERS]
)
def test_a_run_passes_where_prolific_is_otherwise(
    launch: Callable[..., Study], name: str, position: Any
) -> None:
    study = launch(facts={name: position}, missing=missing({name: position}))

    check_ends(study, play(study))
