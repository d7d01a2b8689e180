"""The architect ``external``, for runs that another program serves."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from famulus import Architect, Deployed, Deployment, Plan, Problem, ServerHealth, option
from famulus_flask.catalogue import CATALOGUE


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
    catalogue = CATALOGUE
    Args: ClassVar[Any] = ExternalArgs

    args: ExternalArgs

    def problems(self, plan: Plan) -> list[Problem]:
        """Return no problems: the address is the only option, and core checks it."""
        return []

    def deploy(self, deployment: Deployment) -> Deployed:
        """Return the address; nothing is started, so there is no handle."""
        return Deployed((self.args.public_url or "").rstrip("/") + "/")

    def health(self) -> ServerHealth:
        """Return ``SERVING`` always, without a request to the address.

        A check would be useless: after ``GONE``, there is another deployment, which starts nothing.
        A request would need a name server and TLS, the address need not be reachable from the
        operator's host, and the one thread that checks all runs would wait for the reply.
        """
        return ServerHealth.SERVING

    def shutdown(self) -> None:
        """Do nothing: only the other program can stop serving the run."""
