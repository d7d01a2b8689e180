"""Headers with secrets, which httpcore would log.

httpcore logs the headers of replies at the level DEBUG. One header holds the secret that confirms a
subscription.
"""

from __future__ import annotations

import logging
import re

_LOGGERS = ("httpcore.http11", "httpcore.http2")
_VALUE = re.compile(
    r"""(b(['"])(?:x-hook-secret|authorization)\2, b)(['"])(?:\\.|(?!\3).)*\3""", re.IGNORECASE
)


def hide_secret_headers() -> None:
    """Have httpcore log these headers without their values; idempotent."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_without_values)


def _without_values(record: logging.LogRecord) -> bool:
    """Replace the values in a record; every record is logged."""
    said = record.getMessage()
    shown = _VALUE.sub(r"\1\3...\3", said)
    if shown != said:
        record.msg, record.args = shown, ()
    return True
