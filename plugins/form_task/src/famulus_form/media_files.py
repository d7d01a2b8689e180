"""The images, sounds and videos that a form names, which are served with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import famulus
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.texts import OWN_NAMES, placeholders, value_pieces

# A text of several languages has the language behind its key.
_MEDIA_KEY = re.compile(r"(?:^|\.)(?:image|audio|video)(?:\.[A-Za-z-]+)?\Z")


def files_beside(
    path: Path, forms: Sequence[FormDeclaration], data: Sequence[famulus.DataFile] = ()
) -> famulus.FilesBeside:
    """Return the files that are served with a form if ``extra_source_dir`` is not set.

    :param path: the form's file.
    :param forms: the form in its languages.
    :param data: the file of the rows; empty if they are not in a file, and in an onboarding.
    """
    used = {name for form in forms for _, _, text in form.texts() for name in placeholders(text)}
    columns = sorted(used - OWN_NAMES)
    rows = data[0].rows if data else None
    return famulus.FilesBeside(path, list(_addresses(forms)), columns, rows)


def files_beside_form(path: Path, data: Sequence[famulus.DataFile] = ()) -> famulus.FilesBeside:
    """Read a form from its file, and return the files that are served with it."""
    return files_beside(path, read_form(path).in_all_languages(), data)


def _addresses(forms: Sequence[FormDeclaration]) -> Iterator[famulus.FileAddress]:
    """Yield the media addresses of a form in all its languages, without duplicates."""
    seen: set[tuple[Path, str, str]] = set()
    for form in forms:
        for file, key, text in form.texts():
            if not _MEDIA_KEY.search(key) or (file.path, key, text) in seen:
                continue
            seen.add((file.path, key, text))
            pieces = tuple(
                piece
                if isinstance(piece, str)
                # Values of the worker's own are in no row.
                else famulus.FileColumn("" if piece[0] in OWN_NAMES else piece[0], piece[1])
                for piece in value_pieces(text)
            )
            address = famulus.FileAddress(pieces, file.problem(key, ""))
            if address.may_be_here:
                yield address
