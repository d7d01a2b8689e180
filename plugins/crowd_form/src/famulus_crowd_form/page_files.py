"""Warn of files that the pages of a template name and workers would not get."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote

from attrs import define, field

import famulus
from famulus_crowd_form.html_tokens import Kind, Token, line_of, tokens
from famulus_crowd_form.page import OWN_SCRIPTS

_OPTION = "blueprint.extra_source_dir"
_MOST_NAMED = 20
_LOADED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "audio": ("src",),
        "crowd-bounding-box": ("src",),
        "crowd-card": ("image",),
        "crowd-image-classifier": ("src",),
        "crowd-image-classifier-multi-select": ("src",),
        "embed": ("src",),
        "iframe": ("src",),
        "img": ("src",),
        "input": ("src",),
        "link": ("href",),
        "object": ("data",),
        "script": ("src",),
        "source": ("src",),
        "track": ("src",),
        "video": ("src", "poster"),
    }
)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


@define
class _Missing:
    #: of the page of that row
    line: int
    tag: str
    attribute: str
    name: str
    place: int
    #: pages on which this attribute names a file that is not served
    pages: int = 1


@define
class PageFiles:
    """Looks at filled pages for files that are not served.

    :param file: the template.
    :param folder: the one that ``extra_source_dir`` names.
    """

    file: Path
    folder: Path | None
    _missing: dict[tuple[int, str, str], _Missing] = field(factory=dict, init=False)

    def see(self, place: int, page: str) -> None:
        """Look at the page of one row; ``place`` is its line or its number."""
        for token in tokens(page):
            if token.kind is not Kind.START:
                continue
            for attribute, name in _names(token):
                if not self._is_served(name):
                    self._add(line_of(page, token.start), token.name, attribute, name, place)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield a warning for each attribute that names a file that is not served."""
        missing = sorted(self._missing.values(), key=lambda each: each.line)
        for each in missing[:_MOST_NAMED]:
            more = f"; {each.pages} rows name such files" if each.pages > 1 else ""
            message = (
                f"{each.name}, the {each.attribute} of <{each.tag}>, {self._fault(each.name)} "
                f"(in the page of row {each.place}, whose line this is{more})"
            )
            yield famulus.Problem(message, file=self.file, line=each.line, warning=True)
        if len(missing) > _MOST_NAMED:
            message = f"{len(missing) - _MOST_NAMED} more addresses name files that are not served"
            yield famulus.Problem(message, file=self.file, warning=True)

    def _add(self, line: int, tag: str, attribute: str, name: str, place: int) -> None:
        known = self._missing.get((line, tag, attribute))
        if known is None:
            self._missing[line, tag, attribute] = _Missing(line, tag, attribute, name, place)
        elif known.place != place:
            known.pages += 1

    def _is_served(self, name: str) -> bool:
        if self.folder is None or any(part.startswith(".") for part in name.split("/")):
            return False
        try:
            file = (self.folder / name).resolve()
            return file.is_relative_to(self.folder.resolve()) and file.is_file()
        except (OSError, RuntimeError, ValueError):
            return False

    def _fault(self, name: str) -> str:
        if self.folder is None:
            return (
                "is not served: put it into a folder that has nothing else in it than files for "
                f"workers, and name this in {_OPTION}"
            )
        if name.startswith("../"):
            return f"is outside of {self.folder}: put it there, and write its name in that folder"
        return f"is not in {self.folder}, the folder of {_OPTION}: put it there"


def file_name(address: str) -> str | None:
    """Return the name of the file that a browser asks this server for; None for other addresses.

    A backslash is a slash, as browsers read it.
    """
    read = address.strip().replace("\\", "/")
    path = re.split(r"[?#]", read, maxsplit=1)[0]
    if not path or _ELSEWHERE.match(read):
        return None
    return posixpath.normpath(unquote(path).lstrip("/"))


def _names(token: Token) -> Iterator[tuple[str, str]]:
    """Yield the attributes of an element that name files of this server, with these."""
    values = token.values()
    for attribute in _LOADED.get(token.name, ()):
        name = file_name(values.get(attribute, ""))
        if name is not None and not name.endswith(OWN_SCRIPTS):
            yield attribute, name
