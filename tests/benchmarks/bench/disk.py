"""The time that the disk takes to sync, and a preloaded library that takes another one.

Run as a script with a folder, it prints the seconds of some syncs as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

_LIBRARY = Path(__file__).with_name("slow_fsync.c")
_SYNCS = 30
_BLOCK = b"x" * 4096


@frozen
class Disk:
    """Where databases lie: a folder, and the environment of programs that write there."""

    folder: Path
    #: with the preloaded library, unless syncs take what the disk takes
    environment: Mapping[str, str]
    #: how long each sync takes; None where it takes what the disk takes
    sync_milliseconds: float | None = None

    @property
    def name(self) -> str:
        """What names of files on this disk contain."""
        return "disk" if self.sync_milliseconds is None else f"{self.sync_milliseconds:g}ms"

    def sync_seconds(self) -> float:
        """Return the median time of an ``fdatasync`` after an append of 4 kB, measured now."""
        done = subprocess.run(
            [sys.executable, __file__, str(self.folder)],
            capture_output=True,
            text=True,
            check=True,
            env=self.environment,
        )
        return float(statistics.median(json.loads(done.stdout)))


def own_disk(folder: Path) -> Disk:
    """Return the disk as it is."""
    return Disk(folder, dict(os.environ))


def disk_with_syncs_of(milliseconds: float, folder: Path) -> Disk | None:
    """Return a disk on which each sync takes a given time, or None without a C compiler.

    Data are written as ever and are not synced.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / f"slow_fsync_{milliseconds:g}.so"
    defined = (f"-DMICROSECONDS={milliseconds * 1000:.0f}", f'-DLIBRARY="{library}"')
    command = [
        compiler,
        "-O2",
        "-shared",
        "-fPIC",
        *defined,
        "-o",
        str(library),
        str(_LIBRARY),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return Disk(folder, {**os.environ, "LD_PRELOAD": str(library)}, milliseconds)


def main(folder: str) -> None:
    """Sync some appends."""
    path = Path(folder) / f"sync-{os.getpid()}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times = []
    try:
        for _ in range(_SYNCS):
            os.write(file, _BLOCK)
            started = time.perf_counter()
            os.fdatasync(file)
            times.append(time.perf_counter() - started)
    finally:
        os.close(file)
        path.unlink()
    sys.stdout.write(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
