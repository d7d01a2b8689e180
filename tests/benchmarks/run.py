"""Measure Famulus beside the limits of this machine: ``python tests/benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from attrs import evolve
from bench import (
    allocation,
    exporting,
    forms,
    gateway,
    launching,
    postgresql,
    qualifying,
    serving,
    starting,
    storing,
)
from bench.figures import Figure, as_markdown, machine, show
from bench.scale import Scale, full, quick

BENCHMARKS: Mapping[str, Callable[[Scale, Path], Iterator[Figure]]] = MappingProxyType(
    {
        "serving": serving.run,
        "allocation": allocation.run,
        "qualifying": qualifying.run,
        "launching": launching.run,
        "exporting": exporting.run,
        "storing": storing.run,
        "forms": forms.run,
        "gateway": gateway.run,
        "starting": starting.run,
        "postgresql": postgresql.run,
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 1 where a goal is missed and that was asked for."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background jobs of a script; the commands that are measured would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    scale = quick() if options.quick else full()
    if options.units:
        scale = scale.with_units(options.units)
    scale = evolve(scale, sync=options.fsync)
    figures = []
    for name in options.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix=f"famulus-{name}-", dir=options.folder) as folder:
            for figure in BENCHMARKS[name](scale, Path(folder)):
                figures.append(figure)
                _print(figure)
    title = f"{machine()}; {scale.name} run"
    if options.markdown:
        sys.stdout.write(as_markdown(figures, title))
    else:
        show(figures, title)
    return int(options.strict and any(figure.met is False for figure in figures))


def _print(figure: Figure) -> None:
    sys.stderr.write(f"{figure.subject}: {figure.what}: {figure.measured}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measure Famulus beside the limits of this machine, in one table.",
        epilog="Keep the machine calm meanwhile. A full run takes some minutes and 4 GB of disk.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"only these of {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--quick", action="store_true", help="smaller, in about a minute")
    parser.add_argument("--units", type=int, metavar="N", help="size of the largest run")
    parser.add_argument(
        "--fsync",
        type=float,
        metavar="MS",
        help="serve on a disk whose syncs take so many milliseconds, instead of on this one and "
        "on one with 1 ms",
    )
    parser.add_argument("--markdown", action="store_true", help="write the table as Markdown")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where temporary files go; the system's choice may lie in memory, which flatters",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
