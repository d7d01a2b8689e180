"""A program that serves the stub gateway until it is killed."""

from __future__ import annotations

import signal
import sys
from typing import Any, cast

from famulus import Context, Deployment, SharedTaskState, system_clock
from famulus_flask.architect import LocalArchitect, LocalArgs


class StubArchitect(LocalArchitect):
    """Serves the stub gateway."""

    application = "flask_stub_gateway:create_served_app"


def main() -> None:
    """Serve on the given port, print the address, and print a line when interrupted."""
    database = cast("Any", None)
    context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
    architect = StubArchitect(LocalArgs(port=int(sys.argv[1]), threads=4), context)
    signal.signal(signal.SIGINT, lambda *_: say("interrupted"))
    environment = {"FAMULUS_RUN": "7"}
    deployment = Deployment(run_id=7, instance="operated", environment=environment)
    say(architect.deploy(deployment).url)
    while True:
        signal.pause()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
