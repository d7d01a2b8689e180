"""Read the HTML files of authors as browsers and MTurk read them."""

from __future__ import annotations

import codecs
import html
import re
from pathlib import Path

from famulus.binary_files import HEAD_BYTES, binary_fault, utf_16_order
from famulus.errors import Problem, UsageError

_SAVE = "save it as UTF-8"
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(rb"<meta\b[^>]*?charset\s*=\s*[\"']?\s*([\w.-]+)", re.IGNORECASE)
_SNIFFED = 1024
#: Encodings that browsers read as another one; WHATWG, Encoding Standard, section 4.2.
_READ_AS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
}
#: Names that browsers know and Python does not.
_NAMES = {
    name: codec
    for codec, names in {
        "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
        "cp1252": "ansi_x3.4-1968",
        "iso8859-6": "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
        "iso8859-7": "sun_eu_greek",
        "iso8859-8": "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i logical visual",
        "iso8859-15": "csisolatin9",
        "koi8-r": "koi koi8",
        "koi8-u": "koi8-ru",
        "mac_roman": "csmacintosh mac x-mac-roman",
        "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
        "cp874": "dos-874 windows-874",
        "cp932": "windows-31j x-sjis",
        "cp949": "cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949",
        "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
        "gb18030": "csgb2312 gb_2312 gb_2312-80 x-gbk",
        "big5hkscs": "cn-big5 x-x-big5",
    }.items()
    for name in names.split()
}
#: Names of which Python knows only another spelling: ``iso88591`` and ``x-cp1251``.
_SPELLINGS = (
    (re.compile(r"\Aiso8859(\d{1,2})"), r"iso8859-\1"),
    (re.compile(r"\Ax-cp(125\d)"), r"cp\1"),
)
#: A file whose ``<meta>`` can be read cannot be in one of these.
_WIDE = ("utf-16", "utf-32")
_QUESTION = re.compile(
    r"\s*(?:<\?xml\b[^>]*>\s*)?<HTMLQuestion\b[^>]*>\s*<HTMLContent\s*>(.*)</HTMLContent\s*>",
    re.DOTALL,
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def read_html(path: Path) -> str:
    r"""Read an HTML file, with ``\n`` at the ends of its lines.

    Its encoding is UTF-8, UTF-16 with a byte order mark, or the one that a ``<meta charset>`` in
    its first 1024 bytes names. Of an ``HTMLQuestion``, the XML of MTurk's API, only the page in it
    is returned, on the same lines.

    :raises OSError: when the file cannot be read.
    :raises UsageError: naming the line, when the file is not text, or in none of these encodings.
    """
    text = _decoded(path, path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")
    nul = text.find("\0")
    if nul >= 0:
        raise _refused(path, "contains a NUL character: remove it", text.count("\n", 0, nul))
    question = _QUESTION.match(text)
    if question is None:
        return text
    return "\n" * text.count("\n", 0, question.start(1)) + _page_of(question[1])


def _decoded(path: Path, data: bytes) -> str:
    marked = next((codec for mark, codec in _MARKS if data.startswith(mark)), None)
    if marked is not None:
        try:
            return data.decode(marked)
        except UnicodeDecodeError as error:
            raise _refused(path, f"begins like UTF-16 but is not: {_SAVE}", 0) from error
    head = data[:HEAD_BYTES]
    if utf_16_order(head):
        raise _refused(path, f"is UTF-16 without a byte order mark: {_SAVE}", 0)
    if fault := binary_fault(head):
        raise _refused(path, fault, 0)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        named = _named_codec(data)
        if named is None:
            raise _undecodable(path, error) from error
    try:
        return data.decode(named)
    except UnicodeDecodeError as error:
        raise _undecodable(path, error) from error


def _named_codec(data: bytes) -> str | None:
    """Return the codec that the file names; None if it is unknown or cannot be the right one."""
    found = _CHARSET.search(data, 0, _SNIFFED)
    if found is None:
        return None
    try:
        written = found[1].decode().lower()
        for pattern, spelling in _SPELLINGS:
            written = pattern.sub(spelling, written)
        name = codecs.lookup(_NAMES.get(written, written)).name
        # Codecs of bytes, such as hex, and "undefined" are found too.
        "".encode(name)
    except (LookupError, ValueError):
        return None
    return None if name.startswith(_WIDE) else _READ_AS.get(name, name)


def _undecodable(path: Path, error: UnicodeDecodeError) -> UsageError:
    name = "UTF-8" if error.encoding.startswith("utf-8") else error.encoding
    message = (
        f"is not {name} (byte 0x{error.object[error.start]:02x}): {_SAVE}, or name its encoding "
        'at its start, such as <meta charset="windows-1252">'
    )
    return _refused(path, message, error.object.count(b"\n", 0, error.start))


def _refused(path: Path, message: str, lines_before: int) -> UsageError:
    return UsageError(Problem(message, file=path, line=lines_before + 1))


def _page_of(content: str) -> str:
    """Return the text of an XML element. HTML in it that is not escaped is left unchanged."""
    pieces = _CDATA.split(content)
    outside = pieces[0::2]
    if not any("<" in piece for piece in outside):
        pieces[0::2] = map(html.unescape, outside)
    return "".join(pieces)
