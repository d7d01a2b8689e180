"""The log as plain lines on standard error, for the length of one command."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_to_stderr(*, verbose: bool) -> Iterator[None]:
    """Show warnings and errors of everybody; ``verbose`` adds Famulus' own debug log.

    Others' debug logs stay out: those of clients of platforms hold secrets.
    """
    root, own = logging.getLogger(), logging.getLogger("famulus")
    handler = _Lines(verbose=verbose)
    before = own.level
    root.addHandler(handler)
    if verbose:
        own.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        own.setLevel(before)
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self._verbose = verbose
        self.setFormatter(_Formatter(verbose=verbose))

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and not self._verbose:
            return
        try:
            # Not click.echo: it would write past a live display, into the middle of it.
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except OSError:
            """Nobody can see it any more; the work goes on."""


class _Formatter(logging.Formatter):
    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self._verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        if self._verbose:
            text = f"famulus: {level}: [{record.name}] {record.getMessage()}"
            return text if not record.exc_info else f"{text}\n{self._trace(record)}"
        error = record.exc_info[1] if record.exc_info else None
        reason = f": {type(error).__name__}: {error}" if error else ""
        return f"famulus: {level}: {record.getMessage()}{reason}"

    def _trace(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""
