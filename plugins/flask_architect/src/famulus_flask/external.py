"""The architect ``external``, for runs that another program serves."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from famulus import Architect, Deployment, Plan, Problem, option
from famulus_flask.addresses import is_public_url


@frozen(kw_only=True)
class ExternalArgs:
    """The address of the run."""

    public_url: str | None = option(
        help="Address at which the run is served: by your own application, or by WSGI processes "
        "of famulus_flask.wsgi:create_app on any number of hosts.",
        required=True,
    )


class ExternalArchitect(Architect):
    """Start nothing: the run is mounted in another program, or served by processes of its own.

    The program that serves it may start after the launch and stop in between; the operator does not
    watch it.
    """

    type: ClassVar[str] = "external"
    Args: ClassVar[Any] = ExternalArgs

    args: ExternalArgs

    def problems(self, plan: Plan) -> list[Problem]:
        """Check the address."""
        url = self.args.public_url
        if url is None or is_public_url(url):
            return []
        message = f"{url!r} is not an address such as https://tasks.example.org/words/"
        return [plan.problem("architect.public_url", message)]

    def deploy(self, deployment: Deployment) -> str:
        """Return the address; nothing is started."""
        return (self.args.public_url or "").rstrip("/") + "/"

    def is_alive(self) -> bool:
        """Return True: there is no server to start again."""
        return True

    def shutdown(self) -> None:
        """Do nothing: the program that serves the run ends it."""
