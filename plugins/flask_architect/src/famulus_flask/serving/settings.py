"""Limits and deadlines of the server."""

from __future__ import annotations

from attrs import frozen

from famulus_flask.limits import DEFAULT_THREADS


@frozen(kw_only=True)
class Settings:
    """Limits and deadlines of the server. Times are in seconds, sizes in bytes."""

    #: requests that are answered at the same time
    threads: int = DEFAULT_THREADS
    #: requests that may wait for a thread, and how long each waits before the reply is 503
    queue_length: int = 1024
    queue_seconds: float = 10.0
    #: a longer transaction of the event loop has threads answer for a while
    transaction_seconds: float = 1.0
    #: connections at the same time; those without a worker's request are closed for those beyond
    connections: int = 4096
    #: until the next attempt to accept connections, after one that failed
    accept_pause_seconds: float = 1.0
    #: request line and headers
    head_bytes: int = 32 * 1024
    head_seconds: float = 10.0
    #: between two requests of one connection
    idle_seconds: float = 75.0
    #: a body may take this long, and longer by what it has sent at the lowest acceptable rate
    body_grace_seconds: float = 20.0
    body_bytes_per_second: int = 4_000
    #: up to this size a body is kept in memory, and may be sent to any address
    small_body_bytes: int = 64 * 1024
    #: until a client takes the next part of a reply
    reply_seconds: float = 60.0
    #: how long input is discarded after a reply that came before the request's end
    linger_seconds: float = 30.0
    #: for requests under way, once the server has to stop
    stop_seconds: float = 10.0
    #: between looks at deadlines
    sweep_seconds: float = 1.0
    #: free space that uploads must leave on the disk
    min_free_bytes: int = 100_000_000
