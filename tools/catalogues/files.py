"""Catalogues as files: reading and writing ``.po``, and compiling them to ``.mo``."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from attrs import define, field, frozen
from tools.catalogues.extraction import Extracted

#: The comment of each catalogue, until a native speaker has read it and it is deleted.
UNREAD = "No native speaker has read this translation yet."
_PLURAL_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "ar": (
            "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :"
            " n%100>=11 ? 4 : 5);"
        ),
        "de": "nplurals=2; plural=(n != 1);",
        "es": "nplurals=2; plural=(n != 1);",
        "fr": "nplurals=2; plural=(n > 1);",
        "zh_CN": "nplurals=1; plural=0;",
    }
)


@define
class Entry:
    """A message of a catalogue, and its translations: several for one with a plural."""

    message: str
    plural: str | None = None
    translations: list[str] = field(factory=list)


@frozen
class CatalogueFile:
    """The content of a ``.po`` file."""

    #: the lines of comment at its beginning, without ``# ``
    comments: Sequence[str]
    #: by message id; the header is not among them
    entries: Mapping[str, Entry]


def plural_count(folder: str) -> int:
    """Return how many forms a plural has in the language of a folder."""
    return int(_PLURAL_FORMS[folder].partition("nplurals=")[2].partition(";")[0])


def read(text: str) -> CatalogueFile:
    """Read the text of a ``.po`` file."""
    lines = text.splitlines()
    comments = []
    for line in lines:
        if not line.startswith("#"):
            break
        comments.append(line.removeprefix("#").strip())
    entries = {entry.message: entry for entry in _entries(lines) if entry.message}
    return CatalogueFile(comments, entries)


def _entries(lines: Sequence[str]) -> Iterator[Entry]:
    entry: Entry | None = None
    current = ""
    for line in lines:
        keyword, _, rest = line.partition(" ")
        if line.startswith('"') and entry is not None:
            _append(entry, current, line)
        elif keyword == "msgid":
            if entry is not None:
                yield entry
            entry, current = Entry(""), "msgid"
            _append(entry, current, rest)
        elif keyword.startswith("msg") and entry is not None:
            current = keyword
            if keyword == "msgid_plural":
                entry.plural = ""
            else:
                entry.translations.append("")
            _append(entry, current, rest)
    if entry is not None:
        yield entry


def _append(entry: Entry, keyword: str, quoted: str) -> None:
    text = ast.literal_eval(quoted)
    if keyword == "msgid":
        entry.message += text
    elif keyword == "msgid_plural":
        entry.plural = (entry.plural or "") + text
    else:
        entry.translations[-1] += text


def merge(
    extracted: Mapping[str, Extracted], known: CatalogueFile | None, *, package: str, folder: str
) -> str:
    """Return the text of a catalogue with the texts of the sources and the known translations."""
    comments = [f"Texts of {package} for workers: {folder}.", UNREAD]
    entries: Mapping[str, Entry] = {}
    if known is not None:
        comments, entries = list(known.comments), known.entries
    parts = [_header(comments, package, folder)]
    for text in extracted.values():
        entry = entries.get(text.message, Entry(text.message))
        parts.append(_written(text, entry.translations, folder))
    return "\n".join(parts)


def _header(comments: Sequence[str], package: str, folder: str) -> str:
    fields = (
        f"Project-Id-Version: {package}\n",
        f"Language: {folder}\n",
        "MIME-Version: 1.0\n",
        "Content-Type: text/plain; charset=UTF-8\n",
        "Content-Transfer-Encoding: 8bit\n",
        f"Plural-Forms: {_PLURAL_FORMS[folder]}\n",
    )
    above = "".join(f"# {line}\n" for line in comments)
    return above + 'msgid ""\nmsgstr ""\n' + "".join(f"{_quoted(each)}\n" for each in fields)


def _written(text: Extracted, translations: Sequence[str], folder: str) -> str:
    lines = [f"#. {text.comment}"] if text.comment else []
    lines += [f"#: {place}" for place in text.places]
    lines.append(f"msgid {_quoted(text.message)}")
    if text.plural is None:
        lines.append(f"msgstr {_quoted(translations[0] if translations else '')}")
    else:
        lines.append(f"msgid_plural {_quoted(text.plural)}")
        count = plural_count(folder)
        forms = [*translations, *[""] * count][:count]
        lines += [f"msgstr[{number}] {_quoted(form)}" for number, form in enumerate(forms)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def compiled(text: str) -> bytes:
    """Return the ``.mo`` file of a ``.po`` file's text: the format that :mod:`gettext` reads."""
    messages = {}
    for entry in _entries(text.splitlines()):
        if entry.translations and all(entry.translations):
            key = entry.message if entry.plural is None else f"{entry.message}\0{entry.plural}"
            messages[key.encode()] = "\0".join(entry.translations).encode()
    keys = sorted(messages)
    offset = 28 + 16 * len(keys)
    tables: list[bytes] = []
    texts = b""
    for part in (keys, [messages[key] for key in keys]):
        table = b""
        for each in part:
            table += struct.pack("<II", len(each), offset + len(texts))
            texts += each + b"\0"
        tables.append(table)
    head = struct.pack("<IIIIIII", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, 0)
    return head + b"".join(tables) + texts
