"""The filters of Ground Truth, and our own filters that escape a value for its place.

Sources: page "Adding automation with Liquid" of the developer guide for ``grant_read_access``,
``s3_presign``, ``skip_autoescape`` and ``to_json``.
"""

from __future__ import annotations

import json
import re
from typing import Any

from liquid import Markup, escape, is_undefined

#: What an address becomes that could run code.
INVALID_URL = "about:invalid"

_SCRIPT = re.compile("[\\\\'\"`<>&$\x00-\x1f\x7f\u2028\u2029]")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
#: A word, a number with a unit or without one, a colour: what an escape would make another thing.
_CSS_PLAIN = re.compile(
    r"[a-z][a-z0-9_-]*|[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:%|[a-z]*)|#[0-9a-f]{3,8}",
    re.ASCII | re.IGNORECASE,
)
_CSS_WORDS = r"[\w.,%#+ \t\n-]|/(?!\*)"
#: Those that load nothing.
_CSS_FUNCTION = (
    r"(?<![\w-])(?:rgba?|hsla?|hwb|(?:ok)?lab|(?:ok)?lch|calc|min|max|clamp|var"
    r"|(?:repeating-)?(?:linear|radial|conic)-gradient"
    r"|(?:translate|scale|rotate|skew)[xyz]?|blur|brightness|contrast|grayscale|opacity)"
)
_CSS_VALUE = (
    rf"(?:{_CSS_FUNCTION}\((?:{_CSS_FUNCTION}\((?:{_CSS_WORDS})*+\)|{_CSS_WORDS})*+\)"
    rf"|{_CSS_WORDS})*+"
)
_CSS_DECLARATION = rf"\s*-{{0,2}}[a-z][\w-]*\s*:{_CSS_VALUE}(?:!\s*important\s*)?"
_CSS_VALUES = re.compile(_CSS_VALUE, re.IGNORECASE)
_CSS_DECLARATIONS = re.compile(rf"{_CSS_DECLARATION}(?:;{_CSS_DECLARATION})*+;?\s*", re.IGNORECASE)
_CSS_SPECIAL = re.compile(r"[^A-Za-z0-9]")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_MEDIA_DATA = re.compile(r"data:(?:image|audio|video)/", re.IGNORECASE)
_IGNORED = str.maketrans("", "", "\t\n\r")
_STRIPPED = "".join(map(chr, range(0x21)))
_UNQUOTED = re.compile(r"[\s=`/]")


class Json(str):
    """The JSON text that ``to_json`` returns."""

    __slots__ = ()


class Trusted(Markup):
    """Text that ``skip_autoescape`` lets through unescaped."""

    __slots__ = ()


def to_json(value: Any) -> Json:
    """Return a value as JSON; the page escapes it like other text."""
    if is_undefined(value):
        value = None
    return Json(json.dumps(value, ensure_ascii=False, default=str))


def skip_autoescape(value: Any) -> Trusted:
    """Return a value that is put into the page unescaped, with its markup."""
    return Trusted(_script_json(value) if isinstance(value, Json) else _text(value))


def grant_read_access(value: Any) -> Any:
    """Return an address as it is: pages here load what browsers can read."""
    return value


class MTurkText(Markup):
    """A value as MTurk inserts it; Ground Truth would write some characters as entities."""


def as_on_mturk(value: Any) -> Any:
    """Return a value in the form that a script gets on MTurk, for ``in_string`` or ``in_code``."""
    return value if isinstance(value, Trusted | Json) else MTurkText(_text(value))


def s3_presign(value: Any) -> Any:
    """Return an address as it is, like ``grant_read_access``."""
    return value


def in_text(value: Any) -> Any:
    """Return a list or an object as JSON, like Ground Truth, and any other value unchanged."""
    return to_json(value) if isinstance(value, list | dict) else value


def in_string(value: Any) -> Any:
    """Escape a value for a string in a script.

    The string keeps the entities of Ground Truth's autoescape, since scripts write it into
    ``innerHTML``.
    """
    if isinstance(value, Trusted):
        return value
    if isinstance(value, Json):
        return Markup(_script_json(value))
    return Markup(_script_text(value))


def in_code(value: Any) -> Any:
    """Return a value as a JavaScript literal, so that it is never code."""
    if isinstance(value, Trusted):
        return value
    if isinstance(value, Json) or (isinstance(value, MTurkText) and _is_json(value)):
        return Markup(_script_json(str(value)))
    if is_undefined(value) or not isinstance(value, str):
        return Markup(_script_json(to_json(value)))
    return Markup(value if _NUMBER.fullmatch(value) else f'"{_script_text(value)}"')


def in_css(value: Any) -> Any:
    """Escape a value for any place in CSS, so that it is only a string, number, colour or name."""
    if isinstance(value, Trusted):
        return value
    text = _text(value)
    return text if _CSS_PLAIN.fullmatch(text) else _CSS_SPECIAL.sub(_css_escape, text)


def in_css_value(value: Any) -> Any:
    """Return the value of a CSS property as it is if it can load nothing; else escape it."""
    return _text(value) if _is_css(value, _CSS_VALUES) else in_css(value)


def in_declarations(value: Any) -> Any:
    """Return CSS declarations as they are if they can load nothing; else escape them."""
    return _text(value) if _is_css(value, _CSS_DECLARATIONS) else in_css(value)


def in_css_url(value: Any) -> Any:
    """Escape an address for CSS, or :data:`INVALID_URL` if it is not relative, http or https."""
    if isinstance(value, Trusted):
        return value
    text = _text(value)
    return in_css(text if _is_of_web(text) else INVALID_URL)


def in_url(value: Any) -> Any:
    """Return an address, or :data:`INVALID_URL` if it could run code."""
    if isinstance(value, Trusted):
        return value
    return value if is_safe_url(_text(value)) else INVALID_URL


def in_srcdoc(value: Any) -> Any:
    """Escape a value twice for ``srcdoc``: browsers read it as an attribute and then as a page."""
    return value if isinstance(value, Trusted) else Markup(escape(str(escape(_text(value)))))


def in_unquoted(value: Any) -> Any:
    """Escape a value for an unquoted attribute value, or for use in place of a whole attribute."""
    if isinstance(value, Trusted):
        return value
    return Markup(_UNQUOTED.sub(lambda found: f"&#{ord(found[0])};", str(escape(_text(value)))))


def in_handler_string(value: Any) -> Any:
    """Escape a value for a string in an event handler, where browsers resolve entities first."""
    if isinstance(value, Trusted):
        return value
    return Markup(escape(_SCRIPT.sub(_code_unit, _text(value))))


def in_handler_code(value: Any) -> Any:
    """Return a value as a JavaScript literal for the code of an event handler."""
    if isinstance(value, Trusted):
        return value
    if isinstance(value, str) and not isinstance(value, Json):
        text = _SCRIPT.sub(_code_unit, _text(value))
        return Markup(value if _NUMBER.fullmatch(value) else escape(f'"{text}"'))
    return Markup(escape(_script_json(value if isinstance(value, Json) else to_json(value))))


def is_safe_url(address: str) -> bool:
    """Return whether an address is relative, or of a scheme that cannot run code."""
    read = address.translate(_IGNORED).strip(_STRIPPED)
    scheme = _SCHEME.match(read)
    if read.startswith(":"):
        # The value before it could be the scheme.
        return False
    if scheme is None or scheme[1].lower() in ("http", "https", "mailto", "tel"):
        return True
    return _MEDIA_DATA.match(read) is not None


FILTERS = (
    to_json,
    skip_autoescape,
    grant_read_access,
    as_on_mturk,
    s3_presign,
    in_text,
    in_string,
    in_code,
    in_css,
    in_css_value,
    in_declarations,
    in_css_url,
    in_url,
    in_srcdoc,
    in_unquoted,
    in_handler_string,
    in_handler_code,
)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Markup):
        return str(value.unescape())
    if isinstance(value, list | dict):
        return to_json(value)
    return value if isinstance(value, str) else str(value)


def _is_css(value: Any, grammar: re.Pattern[str]) -> bool:
    return not isinstance(value, Trusted) and grammar.fullmatch(_text(value)) is not None


def _is_of_web(address: str) -> bool:
    before_path = re.split("[/?#]", address.translate(_IGNORED).strip(_STRIPPED), maxsplit=1)[0]
    return ":" not in before_path or before_path.lower() in ("http:", "https:")


def _is_json(text: str) -> bool:
    """Return whether a text is JSON, which is a JavaScript literal and runs no code."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _script_json(text: str) -> str:
    """Escape in JSON the special characters of HTML and template literals, except ``"``."""
    for character in "<>&'`$\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _script_text(value: Any) -> str:
    html = value if isinstance(value, Markup) else escape(_text(value))
    return _SCRIPT.sub(_code_unit, str(html))


def _css_escape(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]):x} "


def _code_unit(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
