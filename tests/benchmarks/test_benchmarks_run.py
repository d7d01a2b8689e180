"""The benchmarks still run; their figures are not checked here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUN = Path(__file__).with_name("run.py")


def test_small_benchmarks_write_their_table_where_sigint_is_ignored(tmp_path: Path) -> None:
    options = ["--quick", "--units", "200", "--markdown", "--folder", str(tmp_path)]
    names = [
        *("serving", "allocation", "qualifying", "launching", "exporting", "storing", "forms"),
        *("gateway", "starting", "postgresql"),
    ]
    # A shell starts the background jobs of a script like this.
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]

    done = subprocess.run(
        [*ignoring, sys.executable, str(RUN), *options, *names],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "| 200 units, 32 clients: units a second |" in done.stdout
    subjects = {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert subjects >= {*names, "serving, fsync of 1 ms"}
