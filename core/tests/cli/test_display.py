"""Progress in words and on a terminal, and signals as something to look at."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from famulus.cli.display import FinishingLines, Lines, Rate, details, display
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import say
from famulus.cli.words import counted, duration
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.undelivered import UndeliveredRows
from famulus.model.states import LoadingStatus, RunStatus, UnitStatus
from famulus.operate.progress import Progress

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LOOK = Progress(
    run_id=7,
    task_name="words",
    status=RunStatus.RUNNING,
    url="http://localhost:3000/",
    units={UnitStatus.COMPLETED: 2, UnitStatus.LAUNCHED: 1, UnitStatus.ASSIGNED: 1},
    at_work=1,
    until=NOON + timedelta(minutes=30),
    loading=LoadingStatus.COMPLETE,
    loading_error="",
    rows_loaded=2,
    at=NOON,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def look(**changes: Any) -> Progress:
    return attrs.evolve(LOOK, **changes)


def test_rate_is_unknown_at_first() -> None:
    rate = Rate()
    rate.look(NOON, 0)
    rate.look(NOON + timedelta(seconds=2), 5)

    assert rate.per_minute is None


def test_rate_estimates_the_remaining_time() -> None:
    rate = Rate()
    rate.look(NOON, 0)
    rate.look(NOON + timedelta(seconds=30), 5)

    assert rate.per_minute == 10
    assert rate.time_for(20) == timedelta(minutes=2)


def test_rate_forgets_old_units() -> None:
    rate = Rate()
    for minute in range(30):
        rate.look(NOON + timedelta(minutes=minute), min(minute, 15) * 10)

    assert rate.per_minute is None
    assert rate.time_for(1) is None


@pytest.mark.parametrize(
    ("done", "seconds", "units", "words"),
    [
        (1, 60, 1_000_000, None),
        (5, 60, 1_000_000, "about 139 days left"),
        (2, 600, 2_000_000, "more than a year left"),
        (2, 600, 10**12, "more than a year left"),
        (5, 60, 4321 * 5, "about 3 days left"),
    ],
)
def test_estimate_claims_no_more_than_can_be_known(
    done: int, seconds: int, units: int, words: str | None
) -> None:
    rate = Rate()
    rate.look(NOON, 0)
    rate.look(NOON + timedelta(seconds=seconds), done)

    found = details(look(units={UnitStatus.LAUNCHED: units}), rate)

    assert [each for each in found if each.endswith(" left")] == ([words] if words else [])


def test_line_shows_units_workers_rate_and_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(30)

    lines.show(look(units={UnitStatus.LAUNCHED: 4}))
    lines.show(look(at=NOON + timedelta(minutes=1)))

    _, second = capsys.readouterr().out.splitlines()
    assert second.endswith(
        "2 of 4 units done, 1 at work, 2.0 per minute, about 1 minute left "
        "(launched 1, assigned 1, completed 2)"
    )


def test_stopping_shows_the_deadline() -> None:
    (words,) = details(look(status=RunStatus.STOPPING), Rate())

    assert words.startswith("stopping: 1 at work until ")


def test_loading_is_shown_while_it_goes_on() -> None:
    assert "2 rows loaded so far" in details(look(loading=LoadingStatus.LOADING), Rate())
    assert "loading failed" in details(look(loading=LoadingStatus.FAILED), Rate())


def test_terminal_shows_the_run_below_other_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")

    with display(30) as shown:
        shown.show(LOOK)
        say("Stopping: no workers are at work.")
    say("Run 7 is stopped.")

    text = terminal.getvalue()
    assert "2 of 4 units done" in text
    assert "Stopping: no workers are at work." in text
    assert text.endswith("Run 7 is stopped.\n")


def test_messages_of_platforms_and_sources_cannot_control_the_live_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    hostile = "\x1b]0;title\x07"
    undelivered = UndeliveredRows(
        kind=OutboxKind.SET_PLACES, is_refused=True, rows=1, error=hostile
    )

    with display(30) as shown:
        shown.show(
            look(undelivered=[undelivered], loading=LoadingStatus.FAILED, loading_error=hostile)
        )

    assert r"\x1b]0;title\x07" in terminal.getvalue()
    assert hostile not in terminal.getvalue()


def test_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "dumb")

    with display(30) as shown:
        assert isinstance(shown, Lines)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (61, "1 minute 1 second"),
        (3600, "1 hour"),
        (90061, "1 day 1 hour"),
    ],
)
def test_duration_has_two_parts_at_most(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_numbers_can_be_read() -> None:
    assert (counted(1, "unit"), counted(12345, "unit")) == ("1 unit", "12,345 units")


@pytest.fixture
def kept_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("seconds", "number"), [(0.001, 1), (0.05, 2), (5.0, 2)])
def test_two_signals_are_one_only_when_they_come_at_once(
    kept_handlers: None, seconds: float, number: int
) -> None:
    times = iter([100.0, 100.0 + seconds])

    with Interrupts(clock=lambda: next(times)) as interrupts:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    taken = [interrupts.take() for _ in range(3)]
    assert taken == [signal.SIGINT] * number + [None] * (3 - number)


def test_ignored_signal_stays_ignored(kept_handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)

        assert interrupts.take() is None


def test_handlers_are_put_back(kept_handlers: None) -> None:
    before = signal.getsignal(signal.SIGINT)

    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before


def test_released_signal_ends_the_program_as_ever(kept_handlers: None) -> None:
    with Interrupts() as interrupts:
        interrupts.release()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_undelivered_rows_are_shown_with_each_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    undelivered = UndeliveredRows(
        kind=OutboxKind.SET_PLACES, is_refused=True, rows=2, error="no money"
    )

    Lines(30).show(look(undelivered=[undelivered]))

    assert "the platform has refused to open places (2 times): no money" in capsys.readouterr().out


def test_end_of_a_large_run_is_a_line_every_two_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 2.5, 2.5, 3.0, 5.0, 5.0])
    lines = FinishingLines(clock=lambda: next(times))

    for _ in range(4):
        lines.step(7, 1000)

    assert capsys.readouterr().out.splitlines() == [
        "Finishing run 7: 2,000 units expired so far.",
        "Finishing run 7: 4,000 units expired so far.",
    ]
