"""The log as plain lines on standard error, for the length of one command.

The text of each record is escaped, since it may contain names, paths and answers of strangers and
the output of servers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.escaping import escaped, escaped_line

#: Characters of one record: what a stranger sends may be in it.
_LONGEST = 4000


@contextmanager
def log_to_stderr(session: Session) -> Iterator[None]:
    """Show warnings and errors of all loggers; ``-v`` adds Famulus' own debug log.

    Debug logs of other packages are left out: the logs of platform clients contain secrets.
    """
    root, own = logging.getLogger(), logging.getLogger("famulus")
    handler = _Lines(session)
    before = own.level
    root.addHandler(handler)
    if session.verbose:
        own.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        own.setLevel(before)
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._verbose = session.verbose
        self.setFormatter(_Formatter(session))

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and not self._verbose:
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - another library's record with arguments that do not fit
            self.handleError(record)
            return
        # Above a live display, which click.echo would write into the middle of.
        say(text, err=True, wrap=False)


class _Formatter(logging.Formatter):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def format(self, record: logging.LogRecord) -> str:
        located = self._session.located
        level = record.levelname.lower()
        if self._session.verbose:
            text = escaped_line(located(f"[{record.name}] {record.getMessage()}"), _LONGEST)
            trace = f"\n{self._trace(record)}" if record.exc_info else ""
            return f"famulus: {level}: {text}{escaped(trace)}"
        error = record.exc_info[1] if record.exc_info else None
        reason = f": {type(error).__name__}: {error}" if error else ""
        text = located(f"{record.getMessage()}{reason}")
        return f"famulus: {level}: {escaped_line(text, _LONGEST)}"

    def _trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""
