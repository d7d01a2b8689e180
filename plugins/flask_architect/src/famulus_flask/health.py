"""Health checks of a server, which return its run and its instance."""

from __future__ import annotations

import http.client
import json

from attrs import define, field, frozen


@frozen
class Health:
    """The reply of a Famulus server at ``/healthz``."""

    run: int
    instance: str
    #: whether every thread has a request; not compared
    busy: bool = field(default=False, eq=False)


@define
class FailureCount:
    """Decides from several health checks whether a running server has to be given up.

    A busy server, or one on a busy machine, is not taken for one that will never answer again.
    """

    #: checks in a row without an answer, and the seconds between the first and the last of them,
    #: after which a server is given up
    looks: int
    seconds: float
    _failed: int = 0
    _failing_since: float = 0.0

    def is_over(self, *, answered: bool, now: float) -> bool:
        """Record the outcome of a check; return whether to give the server up."""
        if answered:
            self._failed = 0
            return False
        if self._failed == 0:
            self._failing_since = now
        self._failed += 1
        return self._failed >= self.looks and now - self._failing_since >= self.seconds


def ask_health(host: str, port: int, timeout: float) -> Health | None:
    """Return the reply of the server on that port; None when it is not one of Famulus.

    ``timeout`` is in seconds.

    :raises OSError: when nothing answers in time.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        answer = json.loads(connection.getresponse().read(4096))
        busy = bool(answer.get("busy", False))
        return Health(int(answer["run"]), str(answer["instance"]), busy=busy)
    except OSError:
        raise  # http.client counts a server that hangs up among its own errors too
    except (http.client.HTTPException, AttributeError, LookupError, TypeError, ValueError):
        return None
    finally:
        connection.close()
