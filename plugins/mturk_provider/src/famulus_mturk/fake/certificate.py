"""A certificate for HTTPS on this machine."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from attrs import frozen

_NAMES = "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1"


@frozen
class Certificate:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the context with which a socket is wrapped."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate with ``openssl`` for localhost, names under it, and 127.0.0.1."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", *options, "-days", "30", "-subj", "/CN=localhost"]
    files = ["-addext", _NAMES, "-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return made
