"""Recognize files that are not the expected text: spreadsheets, archives, UTF-16."""

from __future__ import annotations

#: Bytes at the start of a file that are enough to say so.
HEAD_BYTES = 4096
#: What to do with a table in another encoding.
SAVE_AS_UTF_8 = "save it as UTF-8, which Excel calls “CSV UTF-8”"

_ZIP, _OLD_OFFICE, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b"
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_OFFICE_PARTS = (b"[Content_Types].xml", b"_rels/.rels", b"xl/")
_IN_EXCEL = "not text: save it in Excel as “CSV UTF-8”, and name that file"
#: Of the characters of a table, the least share that is Latin letters, digits or separators.
_LEAST_SHARE = 0.25


def binary_fault(head: bytes) -> str:
    """Return what a binary file is and what to do about it; empty if it is not recognized.

    :param head: the first :data:`HEAD_BYTES` bytes of the file, or all if it is shorter.
    """
    if head.startswith(_OLD_OFFICE):
        return f"is an Excel workbook (.xls), {_IN_EXCEL}"
    if head.startswith(_ZIP) and _OPEN_DOCUMENT in head:
        return (
            "is a LibreOffice document (.ods), not text: save it there as “Text CSV” with the "
            "character set UTF-8, and name that file"
        )
    if head.startswith(_ZIP) and any(part in head for part in _OFFICE_PARTS):
        return f"is an Excel workbook (.xlsx), {_IN_EXCEL}"
    if head.startswith((_ZIP, _GZIP)):
        return "is a compressed file, not text: unpack it, and name the file that is in it"
    return ""


def utf_16_order(head: bytes) -> str:
    """Return the encoding of UTF-16 text without a byte order mark; empty for other text.

    In a table, every second byte of such text is often 0.

    :param head: as for :func:`binary_fault`.
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    least = max(2, len(head) // 2 * _LEAST_SHARE)
    if odd >= least and not even:
        return "utf-16-le"
    return "utf-16-be" if even >= least and not odd else ""
