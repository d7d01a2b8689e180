"""Serve the fake until Ctrl-C or SIGTERM.

python -m famulus_prolific.fake --port 8700
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import signal
import sys
import threading
from decimal import Decimal

from famulus_prolific.fake.console import Console, ShiftedClock
from famulus_prolific.fake.service import FakeProlific, Ports

_LAST_PORT = 65_535


def main(arguments: list[str] | None = None) -> int:
    """Serve the fake and print its addresses."""
    options = _parser().parse_args(arguments)
    if not 0 < options.port <= _LAST_PORT - 2:
        _parser().error(f"--port has to be between 1 and {_LAST_PORT - 2}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            prolific, console = _serve(stack, options)
        except OSError as error:
            ports = f"{options.port} to {options.port + 2}"
            sys.stderr.write(f"cannot listen on the ports {ports}: {error.strerror}\n")
            return 1
        sys.stdout.write(_addresses(prolific, console))
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m famulus_prolific.fake",
        description="A fake Prolific on this machine; no real money is paid.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8700,
        help="the first of three ports: the API, the participants' site, the console (default:"
        " %(default)s)",
    )
    parser.add_argument(
        "--balance",
        type=Decimal,
        default=Decimal(1000),
        metavar="POUNDS",
        help="what the account starts with (default: %(default)s)",
    )
    return parser


def _serve(
    stack: contextlib.ExitStack, options: argparse.Namespace
) -> tuple[FakeProlific, Console]:
    clock = ShiftedClock()
    ports = Ports(api=options.port, participants=options.port + 1)
    prolific = FakeProlific(clock, balance=options.balance, ports=ports, seed=secrets.token_hex())
    stack.enter_context(prolific)
    prolific.deliveries.start()
    console = Console(prolific, clock, port=options.port + 2)
    stack.enter_context(console.serving())
    return prolific, console


def _addresses(prolific: FakeProlific, console: Console) -> str:
    return (
        f"api_url   {prolific.api_url}   PROLIFIC_TOKEN={prolific.token}\n"
        f"site_url  {prolific.site_url}\n"
        f"console   {console.origin}   (POST /advance?seconds=3600 moves the clock)\n"
    )


if __name__ == "__main__":
    sys.exit(main())
