"""The files that a page expects beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import famulus
from famulus_static_html.attributes import value_of
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token

_LOADED = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "link": "href", "script": "src",
    "source": "src", "track": "src", "video": "src",
}  # fmt: skip
# A name in this folder or in one inside of it.
_HERE = re.compile(r"(?![a-z][a-z0-9+.-]*:|[/\\\\#?])[^$?#]+(?=[?#]|\Z)", re.IGNORECASE)


def local_addresses(source: Source, tokens: Sequence[Token]) -> Mapping[str, int]:
    """Return the names of the files that a page loads from its own folder, each with its line."""
    found: dict[str, int] = {}
    if any(token.name == "base" for token in tokens):
        return found
    for token in tokens:
        attribute = _LOADED.get(token.name)
        if token.kind is Kind.START and attribute:
            name = _HERE.match(value_of(source, token, attribute).strip())
            if name and "${" not in value_of(source, token, attribute):
                found.setdefault(unquote(name[0]), source.line(token.start))
    return found


def file_problems(
    addresses: Mapping[str, int], page: Path, folder: Path | None
) -> Iterator[famulus.Problem]:
    """Yield a warning for each file that a worker would not get.

    :param folder: the one that ``extra_source_dir`` names.
    """
    for name, line in addresses.items():
        if folder is not None and (folder / name).is_file():
            continue
        where = "is not served" if folder is None else f"is not in {folder}"
        message = (
            f"{name} {where}: put it into a folder that has nothing else in it than files for "
            "workers, and name this in blueprint.extra_source_dir"
        )
        yield famulus.Problem(message, file=page, line=line, warning=True)
