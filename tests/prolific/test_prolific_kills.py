"""A run on Prolific whose operator is killed once, at each call in turn, is as right as any."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from famulus_prolific.fake import TOKEN
from famulus_prolific.tokens import VARIABLE
from prolific_machine import Study
from prolific_story import SETUP, check_ends, play
from repetitions import repeated

pytestmark = pytest.mark.slow

#: One of so many calls is tried in a test run, and each of them in ``make faults``.
ONE_OF = 20
MOST = 10_000


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.parametrize("after", [False, True])
def test_a_run_survives_a_kill_at_each_call(tmp_path: Path, after: bool) -> None:
    with closing(Study(tmp_path / "whole", SETUP)) as study:
        study.kills.calls = MOST
        play(study)
        calls = study.kills.counted

    for call in range(int(after), calls, max(1, ONE_OF // repeated(1))):
        with closing(Study(tmp_path / f"{call}", SETUP)) as study:
            study.kills.calls, study.kills.after = call, after
            try:
                check_ends(study, play(study))
                assert study.kills.calls is None, "nothing was killed"
            except Exception as error:
                error.add_note(f"killed {'after' if after else 'before'} call {call} of {calls}")
                raise
