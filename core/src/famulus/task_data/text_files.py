"""Open data files as text, in the encodings that spreadsheets write."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TextIO

from famulus.binary_files import HEAD_BYTES, SAVE_AS_UTF_8, binary_fault, utf_16_order
from famulus.task_data.reports import Report

#: How a file without a mark of UTF-16 is read unless an option says otherwise.
UTF_8 = "utf-8"
_BLOCK = 1 << 20
#: Encodings of which many bytes are 0.
_WIDE = ("utf-16", "utf-32")
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_text(path: Path, report: Report, encoding: str | None = None) -> bool:
    """Return whether a file is text without NUL; else report the first faulty line.

    :param encoding: the value of the option ``data_encoding``; None if the blueprint has no such
        option.
    """
    try:
        "".encode(UTF_8 if encoding is None else encoding)
    except (LookupError, ValueError):
        report.add(
            f"blueprint.data_encoding is {encoding!r}, which is not a text encoding: write utf-8, "
            "windows-1252 or another that Python knows"
        )
        return False
    codec = _encoding(path, encoding)
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    with path.open("rb") as file:
        if fault := _fault_of_head(file.peek(HEAD_BYTES)[:HEAD_BYTES], codec, encoding):
            report.add(fault, line)
            return False
        while True:
            block = file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                report.add(_undecodable(error, encoding), line)
                return False
            nul = text.find("\0")
            if nul >= 0:
                report.add("contains a NUL character: remove it", line + text.count("\n", 0, nul))
                return False
            if not block:
                return True
            line += text.count("\n")


def open_text(path: Path, newline: str | None = "", encoding: str | None = None) -> TextIO:
    """Open a file of text, with or without a byte order mark."""
    return path.open(encoding=_encoding(path, encoding), newline=newline)


def _encoding(path: Path, encoding: str | None) -> str:
    """Return the codec of a file. The byte order marks of UTF-16 are no text in other encodings."""
    with path.open("rb") as file:
        if file.read(2) in _UTF_16_MARKS:
            return "utf-16"
    named = codecs.lookup(UTF_8 if encoding is None else encoding).name
    return "utf-8-sig" if named == UTF_8 else named


def _fault_of_head(head: bytes, codec: str, encoding: str | None) -> str:
    """Return why a file is not text in a codec, judging by its first bytes."""
    order = "" if codec.startswith(_WIDE) else utf_16_order(head)
    if not order:
        return binary_fault(head)
    named = "" if encoding is None else f", or name its encoding: blueprint.data_encoding={order}"
    return f"is UTF-16 without a byte order mark: {SAVE_AS_UTF_8}{named}"


def _undecodable(error: UnicodeDecodeError, encoding: str | None) -> str:
    if error.encoding.startswith("utf-16"):
        return "begins like UTF-16 but is not: save it as UTF-8"
    name = "UTF-8" if error.encoding.startswith(UTF_8) else error.encoding
    byte = error.object[error.start]
    message = f"is not {name} (byte 0x{byte:02x}): {SAVE_AS_UTF_8}"
    if encoding is None:
        return message
    return (
        f"{message}, or name its encoding: blueprint.data_encoding=windows-1252 for most of Excel's"
    )
