"""Serve the fake until Ctrl-C or SIGTERM.

python -m famulus_mturk.fake --port 8600 --https
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from decimal import Decimal
from pathlib import Path

from famulus_mturk.fake.certificate import Certificate, make_certificate
from famulus_mturk.fake.console import Console, ShiftedClock
from famulus_mturk.fake.service import FakeMTurk, Ports

_LAST_PORT = 65_535


def main(arguments: list[str] | None = None) -> int:
    """Serve the fake and print its addresses."""
    options = _parser().parse_args(arguments)
    if not 0 < options.port <= _LAST_PORT - 4:
        _parser().error(f"--port has to be between 1 and {_LAST_PORT - 4}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            certificate = make_certificate(folder) if options.https else None
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"--https needs a certificate, which openssl has not made: {error}\n")
            return 1
        try:
            mturk, console = _serve(stack, options, certificate)
        except OSError as error:
            ports = f"{options.port} to {options.port + 4}"
            sys.stderr.write(f"cannot listen on the ports {ports}: {error.strerror}\n")
            return 1
        sys.stdout.write(_addresses(mturk, console))
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m famulus_mturk.fake",
        description="A fake Amazon Mechanical Turk on this machine; no real money is paid.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8600,
        help="the first of five ports: the sandbox's API and site for workers, the same of the"
        " live account, the console (default: %(default)s)",
    )
    parser.add_argument(
        "--https",
        action="store_true",
        help="serve the sites for workers over HTTPS, with a certificate made for it by openssl",
    )
    parser.add_argument(
        "--balance",
        type=Decimal,
        default=Decimal("100.00"),
        metavar="DOLLARS",
        help="what the live account starts with (default: %(default)s)",
    )
    return parser


def _serve(
    stack: contextlib.ExitStack, options: argparse.Namespace, certificate: Certificate | None
) -> tuple[FakeMTurk, Console]:
    first, clock = options.port, ShiftedClock()
    ports = Ports(
        sandbox_api=first, sandbox_workers=first + 1, live_api=first + 2, live_workers=first + 3
    )
    mturk = FakeMTurk(
        clock,
        live_balance=options.balance,
        certificate=certificate,
        ports=ports,
        seed=secrets.token_hex(),
    )
    stack.enter_context(mturk)
    console = Console(mturk, clock, port=first + 4)
    stack.enter_context(console.serving())
    return mturk, console


def _addresses(mturk: FakeMTurk, console: Console) -> str:
    sandbox, live = mturk.sandbox, mturk.live
    return (
        f"sandbox  endpoint_url {sandbox.endpoint_url}   workers {sandbox.worker_url}\n"
        f"live     endpoint_url {live.endpoint_url}   workers {live.worker_url}\n"
        f"console  {console.origin}   (POST /advance?seconds=3600 moves the clock)\n"
    )


if __name__ == "__main__":
    sys.exit(main())
