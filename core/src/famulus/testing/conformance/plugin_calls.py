"""Sentences about the methods of a plugin that raise or hang while a rule is tested."""

from __future__ import annotations

import contextlib
import inspect
import logging
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from time import monotonic
from types import FrameType
from typing import Any

import pytest

#: Seconds for a timer that is due: 0 would switch it off.
_AT_ONCE = 0.001


@contextlib.contextmanager
def explained(contracts: Sequence[type], *, seconds: float) -> Iterator[None]:
    """Turn what a plugin raises in a ``with`` block into a failed assertion that names its method.

    So does a rule that is broken after core has logged what the plugin raised, as a server does. A
    block that takes longer than ``seconds`` fails too. Only the main thread can be interrupted, on
    systems that have ``SIGALRM``; elsewhere a plugin that hangs is not noticed.

    :param contracts: the classes whose methods are the plugin's.
    :raises AssertionError: from the exception of a method. Other exceptions pass through.
    :raises pytest.fail.Exception: after ``seconds``, from where the block hangs.
    """
    with _logged_errors() as logged:
        try:
            with _limited(seconds):
                yield
        except (Exception, SystemExit) as error:
            # A failed assertion of a rule is a sentence already.
            raised = [error] if isinstance(error, AssertionError) else [*_with_causes(error)]
            for each in (*raised, *logged):
                method = _method_that_raised(each, contracts)
                if method is not None:
                    rule = "" if each in raised else f" (logged; then: {error})"
                    raise AssertionError(f"{_sentence(method, each)}{rule}") from each
            if logged:
                raise AssertionError(f"{logged[0]} (logged; then: {error})") from error
            raise


class _ErrorsOfLog(logging.Handler):
    """Keeps the exceptions that are logged."""

    def __init__(self, errors: list[BaseException]) -> None:
        super().__init__()
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._errors.append(error)


@contextlib.contextmanager
def _logged_errors() -> Iterator[Sequence[BaseException]]:
    errors: list[BaseException] = []
    handler, logger = _ErrorsOfLog(errors), logging.getLogger("famulus")
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from, the first one first."""
    if error is not None:
        yield from _with_causes(error.__cause__)
        yield error


def _method_that_raised(error: BaseException, contracts: Sequence[type]) -> Any:
    """Return the contract's method that raised, the innermost; None where it was no plugin."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        plugin = frame.f_locals.get("self")
        for contract in contracts:
            if isinstance(plugin, contract):
                name = _name_of(frame, type(plugin), contract)
                if name is not None:
                    found = getattr(contract, name)
    return found


def _name_of(frame: FrameType, plugin: type, contract: type) -> str | None:
    """Return which method of a contract a frame runs; its code may have another name."""
    public = [name for name in vars(contract) if not name.startswith("_")]
    if frame.f_code.co_name in (*public, "__init__"):
        return frame.f_code.co_name
    for name in public:
        if getattr(getattr(plugin, name, None), "__code__", None) is frame.f_code:
            return name
    return None


def _sentence(method: Any, error: BaseException) -> str:
    found = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    promise = (inspect.getdoc(method) or "").partition("\n\n")[0].replace("\n", " ")
    return f"{method.__name__}() must not raise here, and raised {found}. Its contract: {promise}"


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "setitimer"):
        yield
        return
    # A timer that is set belongs to another plugin of pytest, which limits the whole test.
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining <= seconds:
        yield
        return

    def fail(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(
            f"The rule was not tested after {seconds:g} seconds: a method of the plugin hangs, or"
            " is very slow. The traceback ends where it is."
        )

    began, before = monotonic(), signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # A handler that was not set from Python cannot be set again.
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
        if remaining:
            rest = remaining - (monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(rest, _AT_ONCE), interval)
