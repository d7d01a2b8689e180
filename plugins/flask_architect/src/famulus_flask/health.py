"""Asking a server which instance of which run it is."""

from __future__ import annotations

import http.client
import json

from attrs import frozen


@frozen
class Health:
    """What ``/healthz`` of a Famulus server says."""

    run: int
    instance: str


def ask_health(host: str, port: int, timeout: float) -> Health | None:
    """Return what the server on that port says of itself; None when it is not one of Famulus.

    ``timeout`` is in seconds.

    :raises OSError: when nothing answers in time.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        answer = json.loads(connection.getresponse().read(4096))
        return Health(int(answer["run"]), str(answer["instance"]))
    except OSError:
        raise  # http.client counts a server that hangs up among its own errors too
    except (http.client.HTTPException, LookupError, TypeError, ValueError):
        return None
    finally:
        connection.close()
