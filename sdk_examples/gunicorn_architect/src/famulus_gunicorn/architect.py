from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from attrs import frozen

import famulus


@frozen(kw_only=True)
class GunicornArgs(famulus.ProcessArgs):
    """The address of the server, and how many requests it works on at the same time."""

    workers: int = famulus.option(help="Processes that gunicorn forks.", default=2)
    threads: int = famulus.option(help="Threads of each process.", default=8)


class Gunicorn(famulus.ProcessArchitect):
    """Serve a run with gunicorn: several processes on this machine."""

    type = "gunicorn"
    Args = GunicornArgs
    args: GunicornArgs

    def command(self, socket: int) -> Sequence[str]:
        return [
            *(sys.executable, "-P", "-m", "gunicorn", "--bind", f"fd://{socket}"),
            *("--workers", str(self.args.workers), "--threads", str(self.args.threads)),
            *("--graceful-timeout", "10", "--no-control-socket"),
            "famulus_flask.wsgi:create_app()",
        ]

    def environment(self) -> Mapping[str, str]:
        return {"FAMULUS_FLASK_THREADS": str(self.args.threads)}

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        found = super().problems(plan)
        for name in ("workers", "threads"):
            number = getattr(self.args, name)
            if number < 1:
                found.append(plan.problem(f"architect.{name}", f"{number} is less than 1"))
        return found
