"""Kill processes by the hundred and check what is left: ``python tests/faults/run.py --help``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from campaign import Case, RoundFailedError, cases
from famulus.testing.databases import PostgresDatabases, postgres_databases

#: Kills of one round: of whole processes, and of a server that is forked from one that has
#: imported everything.
_A_ROUND = {"processes": 12, "forks": 60}
_BONUSES = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rounds until enough was killed; return 1 at the first broken guarantee."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        postgres = cache(partial(stack.enter_context, postgres_databases()))
        if options.repeat is not None:
            return _run(options.repeat, postgres) is None
        for kind, wanted in (("processes", options.processes), ("forks", options.forks)):
            killed = 0
            for case in cases(kind, options.seed):
                if killed >= wanted:
                    break
                done = _run(case, postgres)
                if done is None:
                    return 1
                killed += done
            sys.stdout.write(f"{kind}: {killed} kills, and every promise was kept\n")
    return 0


def _run(case: Case, postgres: Callable[[], PostgresDatabases]) -> int | None:
    """Run one round and report it; return how many were killed, or None where it failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="famulus-faults-") as folder:
        try:
            kills = _A_ROUND[case.kind]
            killed = case.run(Path(folder), postgres, kills=kills, bonuses=_BONUSES)
        except RoundFailedError as error:
            sys.stderr.write(f"{error}\nRepeat its choices with --repeat {case}\n")
            return None
    seconds = time.monotonic() - started
    sys.stdout.write(f"{case}: {killed} kills in {seconds:.0f} s\n")
    sys.stdout.flush()
    return killed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Kill processes of running tasks and check that nothing was lost, nothing is "
        "left open, and everything was paid exactly once.",
        epilog="It takes about half an hour, PostgreSQL's server and a calm machine.",
    )
    parser.add_argument("--seed", default="1", help="the choices to make (default: %(default)s)")
    parser.add_argument(
        "--processes",
        type=int,
        default=500,
        metavar="N",
        help="kills of whole processes: server, operator, both, commands (default: %(default)s)",
    )
    parser.add_argument(
        "--forks",
        type=int,
        default=1500,
        metavar="N",
        help="kills of a forked server (default: %(default)s)",
    )
    parser.add_argument(
        "--repeat",
        type=Case.parse,
        metavar="ROUND",
        help="only this round, by the name that was printed",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
