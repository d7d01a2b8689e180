"""The commands on the page about options work as described."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/options.md"
EXAMPLE = ROOT / "sdk_examples/simple_static_task"

COMMANDS = re.findall(r"^    famulus (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_works(command: str, tmp_path: Path) -> None:
    shell = command.replace("resolved.yaml", str(tmp_path / "resolved.yaml"))
    if command.startswith("check "):
        # The port of the page may be taken.
        shell += " architect.port=0"

    done = subprocess.run(
        f"{sys.executable} -m famulus --database {tmp_path / 'famulus.db'} {shell}",
        cwd=EXAMPLE,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout or ">" in command
