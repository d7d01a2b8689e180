"""The servers of the fake leave no socket that listens behind."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from famulus_mturk.fake import Certificate
from famulus_mturk.fake.listening import Handler, Listener


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_server_ends_also_where_no_file_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    server = Listener(Handler)
    with monkeypatch.context() as patch, server.serving():
        assert _is_listening(server.server_port)
        patch.setattr(socket, "create_connection", fail)

    assert not _is_listening(server.server_port)


def test_server_whose_certificate_cannot_be_read_does_not_listen(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    missing = Certificate(tmp_path / "certificate.pem", tmp_path / "key.pem")

    with pytest.raises(FileNotFoundError) as caught:
        Listener(Handler, port=port, certificate=missing)

    assert not _is_listening(port)
    assert caught.value.errno == errno.ENOENT
