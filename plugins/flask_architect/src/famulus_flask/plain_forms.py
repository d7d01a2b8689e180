"""A fast parser for small multipart forms of text fields, as browsers send them.

A general parser, which reads in pieces and allows every variant, costs more than all other work
for such a form.
"""

from __future__ import annotations

import re

_PLAIN_HEAD = re.compile(rb'Content-Disposition: form-data; name="([^"\\%\r\n]*)"\r\n\r\n')


def split_plain_form(body: bytes, boundary: bytes) -> list[tuple[str, str]] | None:
    """Return names and values, or None for a form that needs a general parser.

    Such a form has files, further headers, escapes in names, anything before the first or after the
    last boundary, line ends other than CRLF, or text that looks like the boundary.
    """
    delimiter = b"--" + boundary
    head, tail = delimiter + b"\r\n", b"\r\n" + delimiter + b"--\r\n"
    if not (body.startswith(head) and body.endswith(tail)):
        return None
    parts = body[len(head) : -len(tail)].split(b"\r\n" + head)
    if body.count(delimiter) != len(parts) + 1:
        return None
    fields = []
    for part in parts:
        plain = _PLAIN_HEAD.match(part)
        if plain is None:
            return None
        try:
            name = plain[1].decode()
        except UnicodeDecodeError:
            return None
        fields.append((name, part[plain.end() :].decode(errors="replace")))
    return fields
