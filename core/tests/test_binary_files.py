"""Files that are no text are named by their first bytes."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from famulus.binary_files import HEAD_BYTES, binary_fault, utf_16_order

OPEN_DOCUMENT = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a>"}


def zipped(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            kind = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            zipped({"[Content_Types].xml": "<a>", "xl/workbook.xml": "<b>"}),
            "Excel workbook (.xlsx)",
        ),
        (
            zipped({"xl/workbook.xml": "<b>", "[Content_Types].xml": "<a>"}),
            "Excel workbook (.xlsx)",
        ),
        (zipped(OPEN_DOCUMENT), "LibreOffice document (.ods)"),
        (zipped({"data.csv": "a,b"}), "a compressed file"),
        (gzip.compress(b"a,b", mtime=0), "a compressed file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook (.xls)"),
    ],
)
def test_files_of_spreadsheets_and_archives_are_named(content: bytes, words: str) -> None:
    assert words in binary_fault(content[:HEAD_BYTES])


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK,b\n1,2\n", "\ufeffa,é\n".encode()])
def test_text_is_not_taken_for_anything_else(content: bytes) -> None:
    assert not binary_fault(content)
    assert not utf_16_order(content)


@pytest.mark.parametrize(
    ("text", "codec", "order"),
    [
        ("a,b\n1,2\n", "utf-16-le", "utf-16-le"),
        ("id,text\n1,\u6f22\u5b57\n", "utf-16-be", "utf-16-be"),
        ("a,b\n1,\0\n", "utf-8", ""),
        ("a\0b\0", "utf-16-le", ""),
    ],
)
def test_utf_16_is_detected_by_its_zeros(text: str, codec: str, order: str) -> None:
    assert utf_16_order(text.encode(codec)) == order
