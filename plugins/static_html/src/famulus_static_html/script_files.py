"""Read the script files of a page's own folder, for what they say about its templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from attrs import frozen

from famulus_static_html.attributes import value_of
from famulus_static_html.source import Source
from famulus_static_html.tokens import Token
from famulus_static_html.urls import as_browsers_read, is_elsewhere

#: The most bytes that are read of one file, and of all files of a page.
MOST_BYTES = 2**20
MOST_BYTES_OF_ALL = 4 * MOST_BYTES


@frozen
class ScriptFile:
    """A script file as it was read. ``address`` is in lower case, without a query.

    ``is_whole`` is whether all of the file was read.
    """

    address: str
    code: str
    is_whole: bool


def script_address(source: Source, token: Token) -> str:
    """Return the address of a script without its query; empty for a script in the page."""
    address = value_of(source, token, "src") or value_of(source, token, "href")
    return as_browsers_read(address).partition("?")[0].partition("#")[0]


def script_files(
    source: Source, scripts: Sequence[Token], folder: Path | None
) -> Iterator[ScriptFile]:
    """Yield the files that scripts of the page name in a folder, but no file outside of it.

    Of a file that is too large, only the beginning is read; unreadable files are left out.
    """
    left = MOST_BYTES_OF_ALL
    for address in dict.fromkeys(script_address(source, token) for token in scripts):
        if folder is None or not address or "${" in address or is_elsewhere(address):
            continue
        try:
            # The page is in the root of its server.
            name = unquote(address.replace("\\", "/")).removeprefix("/")
            file = (folder / name).resolve()
            if not file.is_relative_to(folder.resolve()) or not file.is_file():
                continue
            with file.open("rb") as opened:
                data = opened.read(min(MOST_BYTES, left))
                is_whole = not opened.read(1)
        except (OSError, RuntimeError, ValueError):
            continue
        left -= len(data)
        yield ScriptFile(address.lower(), data.decode("utf-8", errors="replace"), is_whole)
