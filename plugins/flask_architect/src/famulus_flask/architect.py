"""The architect ``local``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from famulus import Plan, Problem, ProcessArchitect, ProcessArgs, option
from famulus_flask.catalogue import CATALOGUE
from famulus_flask.limits import DEFAULT_THREADS, Limits
from famulus_flask.serving.settings import Settings

_DEFAULTS = Limits()
_SETTINGS = Settings()


@frozen(kw_only=True)
class LocalArgs(ProcessArgs):
    """The address of the server, its threads, and the limits of forms."""

    threads: int = option(
        help="Requests that threads work on at the same time. One counts when all of it has "
        "arrived, so slow connections take none; nor do requests that share a transaction.",
        default=DEFAULT_THREADS,
    )
    max_file_bytes: int = option(
        help="Size of the largest file a worker may upload.", default=_DEFAULTS.max_file_bytes
    )
    max_form_bytes: int = option(
        help="Size of the largest submission, files and text together.",
        default=_DEFAULTS.max_form_bytes,
    )
    max_text_bytes: int = option(
        help="Size of all text in one submission; it is held in memory.",
        default=_DEFAULTS.max_text_bytes,
    )
    max_fields: int = option(
        help="Number of fields in one submission.", default=_DEFAULTS.max_fields
    )
    max_files: int = option(help="Number of files in one submission.", default=_DEFAULTS.max_files)
    min_free_bytes: int = option(
        help="Disk space that uploads leave free; workers are asked to try again later where there "
        "is less.",
        default=_SETTINGS.min_free_bytes,
    )


class LocalArchitect(ProcessArchitect):
    """Serve one run from this machine, in a child process that ends with the operator."""

    type: ClassVar[str] = "local"
    catalogue = CATALOGUE
    Args: ClassVar[Any] = LocalArgs

    #: The factory of the WSGI application; a subclass may wrap it.
    application: ClassVar[str] = "famulus_flask.wsgi:create_app"
    #: Seconds that requests under way may take once the server has to stop. The operator kills a
    #: server that has not ended after 15.
    stop_seconds: ClassVar[float] = _SETTINGS.stop_seconds

    args: LocalArgs

    def problems(self, plan: Plan) -> list[Problem]:
        """Check the options."""
        wrong = _wrong_options(self.args)
        own = [plan.problem(f"architect.{name}", message) for name, message in wrong.items()]
        return [*super().problems(plan), *own]

    def command(self, socket: int) -> Sequence[str]:
        """Return the command that starts this plugin's server with the application."""
        return [
            *(sys.executable, "-P", "-m", "famulus_flask.serve"),
            *("--socket", str(socket)),
            *("--threads", str(self.args.threads)),
            *("--min-free-bytes", str(self.args.min_free_bytes)),
            *("--stop-seconds", str(self.stop_seconds)),
            *("--application", self.application),
        ]

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables that pass the limits of forms to the server."""
        return Limits(
            max_file_bytes=self.args.max_file_bytes,
            max_form_bytes=self.args.max_form_bytes,
            max_text_bytes=self.args.max_text_bytes,
            max_fields=self.args.max_fields,
            max_files=self.args.max_files,
        ).to_environment()


def _wrong_options(args: LocalArgs) -> dict[str, str]:
    """Return the problem of each wrong option of this architect's own."""
    wrong = {}
    if not 4 <= args.threads <= 1000:
        wrong["threads"] = f"{args.threads} is not from 4 to 1000"
    for name in ("max_file_bytes", "max_form_bytes", "max_text_bytes", "max_fields"):
        if getattr(args, name) < 1:
            wrong[name] = f"{getattr(args, name)} would refuse every submission; give 1 or more"
    for name in ("max_files", "min_free_bytes"):
        if getattr(args, name) < 0:
            wrong[name] = f"{getattr(args, name)} is less than 0; give 0 or more"
    return wrong
