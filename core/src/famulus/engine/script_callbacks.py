"""Callbacks of a run's script: they run in the operator's process.

A serving process calls them over a local socket. So a closure, a loaded model or a list in a
notebook is the author's own object, and neither a fork nor a second run of the script is needed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from famulus.contracts.plan import SharedTaskState
from famulus.contracts.views import NotPassed, UnitView, WorkerView
from famulus.errors import UnavailableError
from famulus.model.pool import Pool
from famulus.options.option_class import options_of

#: Where a serving process finds the operator's callbacks: ``ADDRESS|KEY``.
VARIABLE = "FAMULUS_CALLBACKS"

_log = logging.getLogger(__name__)

_VIEWS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "worker": WorkerView,
        "unit": UnitView,
        "not passed": NotPassed,
    }
)
_NAMES: Mapping[type[Any], str] = MappingProxyType({cls: name for name, cls in _VIEWS.items()})


def callback_names(state: SharedTaskState) -> list[str]:
    """Return the callbacks that are set in a shared state."""
    return [
        option.attribute
        for option in options_of(type(state)).values()
        if option.is_callback and getattr(state, option.attribute) is not None
    ]


class CallbackServer:
    """Serves the callbacks of a shared state during a ``with`` block.

    The socket is a file in a folder that only this user can enter; a caller also needs the key.
    """

    def __init__(self, state: SharedTaskState) -> None:
        self._functions: dict[str, Callable[..., Any]] = {
            name: getattr(state, name) for name in callback_names(state)
        }
        self._key = secrets.token_hex(32)
        self._folder = Path(tempfile.mkdtemp(prefix="famulus-"))
        self._listener = Listener(str(self._folder / "callbacks"), family="AF_UNIX", backlog=64)
        self._address = str(self._listener.address)
        self._connections: set[Connection[Any, Any]] = set()
        self._mutex = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="famulus-callbacks", daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """The address and key with which a serving process calls back."""
        return {VARIABLE: f"{self._address}|{self._key}"}

    def close(self) -> None:
        """Stop serving; a call under way fails at the caller. Safe to call twice."""
        with self._mutex:
            first, self._closing = not self._closing, True
        if not first:
            return
        with contextlib.suppress(OSError):
            # Wakes the thread that waits for a connection.
            Client(self._address, family="AF_UNIX").close()
        self._thread.join()
        self._listener.close()
        with self._mutex:
            for connection in self._connections:
                _hang_up(connection)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection = self._listener.accept()
            except OSError:
                continue
            with self._mutex:
                self._connections.add(connection)
            threading.Thread(
                target=self._serve, args=(connection,), name="famulus-callback", daemon=True
            ).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        try:
            # In this thread, so that a client that sends nothing blocks no other one.
            deliver_challenge(connection, self._key.encode())
            answer_challenge(connection, self._key.encode())
            while not self._closing:
                connection.send_bytes(self._answer(connection.recv_bytes()))
        except (EOFError, OSError, AuthenticationError):
            pass
        finally:
            with self._mutex:
                self._connections.discard(connection)
                connection.close()

    def _answer(self, message: bytes) -> bytes:
        try:
            name, *arguments = _decode(json.loads(message))
            result = self._functions[name](*arguments)
            return json.dumps({"result": _encode(result)}, default=_plain).encode()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the author's; the caller gets it
            _log.exception("the callback %s failed", message[:60])
            return json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()


class CallbackFailedError(Exception):
    """A callback raised; the traceback is in the log of the operator's process."""


class RemoteCallbacks:
    """The client in a serving process: its functions call those of the operator's process."""

    def __init__(self, given: str) -> None:
        self._address, _, key = given.partition("|")
        self._key = key.encode()
        self._pool = Pool(self._connect, lambda connection: connection.close())

    def state(self, state_class: type[SharedTaskState], names: Sequence[str]) -> SharedTaskState:
        """Return a shared state whose callbacks call the operator's."""
        functions: dict[str, Any] = {name: self._function(name) for name in names}
        return state_class(**functions)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            return self._call(name, arguments)

        return call

    def _call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        message = json.dumps([name, *map(_encode, arguments)]).encode()
        with self._connected() as connection:
            connection.send_bytes(message)
            reply = json.loads(connection.recv_bytes())
        if "error" in reply:
            raise CallbackFailedError(f"{name}: {reply['error']}")
        return _decode(reply["result"])

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        try:
            with self._pool.borrow() as connection:
                try:
                    yield connection
                except (EOFError, OSError):
                    connection.close()
                    raise
        except (EOFError, OSError) as error:
            raise UnavailableError(f"the operator's callbacks do not answer: {error}") from error

    def _connect(self) -> Any:
        return Client(self._address, family="AF_UNIX", authkey=self._key)


def _hang_up(connection: Connection[Any, Any]) -> None:
    """End a connection that another thread reads: closing it would not wake that thread."""
    with (
        contextlib.suppress(OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


def _plain(value: Any) -> Any:
    """Convert a number or truth value of an array library to Python's own type."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a callback returned {value!r}, which is not JSON")


def _encode(value: Any) -> Any:
    name = _NAMES.get(type(value))
    if name is not None:
        return {"famulus view": name, "fields": attrs.asdict(value, recurse=False)}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(each) for each in value]
    if isinstance(value, dict) and set(value) == {"famulus view", "fields"}:
        return _VIEWS[value["famulus view"]](**value["fields"])
    return value
