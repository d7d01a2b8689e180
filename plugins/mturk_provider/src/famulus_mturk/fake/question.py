"""The XML of a HIT's question and of its answers."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from attrs import frozen

from famulus_mturk.fake.errors import RequestError, bad_value

_SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
EXTERNAL = f"{_SCHEMAS}/2006-07-14/ExternalQuestion.xsd"
HTML = f"{_SCHEMAS}/2011-11-11/HTMLQuestion.xsd"
ANSWERS = f"{_SCHEMAS}/2005-10-01/QuestionFormAnswers.xsd"
MOST_BYTES = 65_535


@frozen
class Question:
    """The parts of a question that the fake uses."""

    #: None for a question that MTurk shows itself
    url: str | None
    frame_height: int


def read_question(text: str) -> Question:
    """Read an ExternalQuestion or an HTMLQuestion.

    :raises RequestError: when it is anything else, too long, or not served over HTTPS.
    """
    if len(text.encode()) > MOST_BYTES:
        raise bad_value("Question", f"it is longer than {MOST_BYTES} bytes")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise _unreadable(str(error)) from None
    if root.tag == f"{{{EXTERNAL}}}ExternalQuestion":
        url, height = _children(root, EXTERNAL, "ExternalURL")
        _check_url(url)
        return Question(url, height)
    if root.tag == f"{{{HTML}}}HTMLQuestion":
        return Question(None, _children(root, HTML, "HTMLContent")[1])
    raise _unreadable(f"{root.tag} is neither an ExternalQuestion nor an HTMLQuestion")


def _children(root: ElementTree.Element, schema: str, first: str) -> tuple[str, int]:
    expected = [f"{{{schema}}}{first}", f"{{{schema}}}FrameHeight"]
    found = [child.tag for child in root]
    if found != expected:
        raise _unreadable(f"it has {found}, and should have {expected}")
    height = (root[1].text or "").strip()
    if not height.isdecimal():
        raise _unreadable(f"the FrameHeight {height!r} is not a number of pixels")
    return (root[0].text or "").strip(), int(height)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise bad_value("Question", f"the ExternalURL {url!r} must use the HTTPS protocol")


def _unreadable(why: str) -> RequestError:
    return RequestError("XMLParseError", f"There was an error parsing the XML question: {why}")


def write_answers(fields: Iterable[tuple[str, str]]) -> str:
    """Return the document of answers, with only the first of the fields that share a name."""
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(name, value)
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(value)}</FreeText></Answer>"
        for name, value in first.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<QuestionFormAnswers xmlns="{ANSWERS}">{answers}</QuestionFormAnswers>'
    )
