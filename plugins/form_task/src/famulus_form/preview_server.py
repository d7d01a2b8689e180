"""The web server of a preview: for one person, on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.policy import HTTP
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, unquote, urlsplit

import famulus
from famulus_form.preview import MOST_ROWS, FormPreview

_HOST = "127.0.0.1"
_LOOPBACK = (_HOST, "[::1]", "localhost")
_HTTP_PORT = 80
_LARGEST = 100_000_000


class PreviewServer(ThreadingHTTPServer):
    """Serves one preview, and the files that its page names.

    :param files: the folder of images, sounds and videos; None for the form's own folder.
    :param folders: the folders of our style sheets and scripts.
    :param report: called by any thread with the form's problems whenever these change; with an
        empty list once they are fixed.
    """

    daemon_threads = True

    def __init__(
        self,
        port: int,
        preview: FormPreview,
        files: Path | None,
        folders: Sequence[Path],
        report: Callable[[Sequence[famulus.Problem]], None],
    ) -> None:
        super().__init__((_HOST, port), _Handler)
        self._report = report
        self._lock = Lock()
        self._reported: Sequence[famulus.Problem] = ()
        self.preview = preview
        self._files = files
        self._folders = folders

    def report_problems(self) -> None:
        """Report the form's problems if they have changed since the last report."""
        with self._lock:
            problems = list(self.preview.problems())
            if problems != list(self._reported):
                self._reported = problems
                self._report(problems)

    def find(self, name: str) -> Path | None:
        """Return the file of that name, or None."""
        for folder in self._asset_folders():
            root = folder.path.resolve()
            path = (root / name).resolve()
            hidden = any(part.startswith(".") for part in Path(name).parts)
            if hidden or not path.is_relative_to(root) or not path.is_file():
                continue
            if folder.serves(name):
                return path
        return None

    def _asset_folders(self) -> Sequence[famulus.AssetFolder]:
        if self._files is None:
            beside = self.preview.files_beside()
            first = famulus.AssetFolder(beside.folder, beside.serves)
        else:
            first = famulus.AssetFolder(self._files)
        return [*map(famulus.AssetFolder, self._folders), first]

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{_HOST}:{self.server_port}/"

    def is_own_host(self, host: str) -> bool:
        """Return whether a Host header names this machine, and the port of this server.

        Otherwise, a website whose host name resolves to this machine could read the rows.
        """
        ports = [f":{self.server_port}", *([""] if self.server_port == _HTTP_PORT else [])]
        return host.strip().lower() in {f"{name}{port}" for name in _LOOPBACK for port in ports}


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer

    def do_GET(self) -> None:
        """Answer with the page, the state of its files, or one of the files."""
        if self._refuses_host():
            return
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self.server.report_problems()
            self._send(self.server.preview.page(self._row()))
        elif path == "/state":
            self._send(self.server.preview.state(), "text/plain")
        else:
            self._send_file(path.lstrip("/"))

    def do_POST(self) -> None:
        """Answer a submitted form with its typed answers."""
        if self._refuses_host():
            return
        size = int(self.headers.get("Content-Length") or 0)
        if size > _LARGEST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        form = read_multipart(self.headers.get("Content-Type") or "", self.rfile.read(size))
        self._send(self.server.preview.answered(self._row(), form))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Log nothing: the page asks for the state of its files all the time."""

    def _refuses_host(self) -> bool:
        if self.server.is_own_host(self.headers.get("Host") or ""):
            return False
        self.send_error(HTTPStatus.FORBIDDEN, explain=f"Open {self.server.url}")
        return True

    def _row(self) -> int:
        found = parse_qs(urlsplit(self.path).query).get("row", ["0"])[0]
        return min(int(found), MOST_ROWS) if found.isascii() and found.isdigit() else 0

    def _send_file(self, name: str) -> None:
        path = self.server.find(name)
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind = guess_type(path.name)[0] or "application/octet-stream"
        self._send_bytes(path.read_bytes(), kind)

    def _send(self, text: str, kind: str = "text/html") -> None:
        self._send_bytes(text.encode(errors="replace"), f"{kind}; charset=utf-8")

    def _send_bytes(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def read_multipart(content_type: str, body: bytes) -> famulus.Form:
    """Return a form that a browser has sent; its files are without their content."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + body, policy=HTTP)
    fields: list[tuple[str, str]] = []
    files: list[famulus.FormFile] = []
    for part in message.iter_parts():
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        filename = part.get_filename()
        if filename is None:
            fields.append((name, content.decode("utf-8", "replace")))
        elif filename:
            files.append(
                famulus.FormFile(
                    field=name,
                    filename=filename,
                    content_type=part.get_content_type(),
                    size=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    path=Path(filename),
                )
            )
    return famulus.Form(fields=fields, files=files)
