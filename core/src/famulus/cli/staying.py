"""Staying with a run until it ends: showing how it gets on, and stopping it when asked to."""

from __future__ import annotations

import time

from famulus.cli.display import Display, display
from famulus.cli.failures import INTERRUPTED
from famulus.cli.interrupts import Interrupts
from famulus.cli.outcome import describe, exit_status, read_outcome
from famulus.cli.session import Session
from famulus.cli.words import moment, people, say
from famulus.errors import ConflictError, FamulusError
from famulus.operate.operator import Launched, Operator
from famulus.operate.progress import read_progress

#: Seconds between looks at whether somebody has pressed Ctrl-C or the run has ended.
_TICK = 0.2
#: Counting the units of a very large run takes long: the next look waits that many times as long.
_CALM = 20


def announce(launched: Launched, session: Session) -> None:
    """Say where people come in, each address on a line of its own."""
    say(f"Run {launched.run_id} is open at {launched.url}")
    links = [entrance for entrance in launched.entrances if entrance != launched.url]
    for line in ["", *(f"  Work on it:  {link}" for link in links), ""] if links else ():
        say(line, bold=True)
    say("It ends by itself when every unit is done.")
    say(f"Ctrl-C stops it; go on later with: {session.command('resume', launched.run_id)}")


def stay(
    session: Session,
    operator: Operator,
    run: int,
    interrupts: Interrupts,
    log_rate: float,
) -> int:
    """Wait until the run is out of the operator's hands; return the exit status.

    The first interrupt lets nobody new in and waits for those at work, the second stops at once.
    """
    held = _Stay(session, operator, run, interrupts)
    with display(log_rate) as shown:
        held.wait(shown)
    outcome = read_outcome(operator.database, run)
    for line in describe(outcome, session):
        say(line)
    return INTERRUPTED if held.is_cut_off else exit_status(outcome)


class _Stay:
    """The time at one run, between its launch and its end."""

    def __init__(
        self, session: Session, operator: Operator, run: int, interrupts: Interrupts
    ) -> None:
        self._session = session
        self._operator = operator
        self._run = run
        self._interrupts = interrupts
        self._is_stopping = False
        self.is_cut_off = False

    def wait(self, shown: Display) -> None:
        """Look after the run until it has ended."""
        due = time.monotonic()
        while self._operator.holds(self._run):
            if self._interrupts.take():
                self._stop()
            if time.monotonic() >= due:
                due = self._look(shown)
            time.sleep(_TICK)

    def _look(self, shown: Display) -> float:
        """Show the run; return when to look again."""
        started = time.monotonic()
        try:
            shown.show(read_progress(self._operator.database, self._run))
        except FamulusError:
            """The database is away for the moment; the operator says so in the log."""
        ended = time.monotonic()
        return ended + max(shown.every, _CALM * (ended - started))

    def _stop(self) -> None:
        try:
            if self._is_stopping:
                say("Stopping now.")
                self._interrupts.release()
                self.is_cut_off = True
                self._operator.stop(self._run, now=True)
            else:
                self._operator.stop(self._run)
                self._is_stopping = True
                self._say_stopping()
        except ConflictError:
            """It has ended by itself meanwhile."""
        except FamulusError as error:
            say(f"The run could not be stopped: {error}", err=True)

    def _say_stopping(self) -> None:
        progress = read_progress(self._operator.database, self._run)
        if not progress.at_work or progress.until is None:
            say("Stopping: nobody is at work.")
            return
        until = moment(progress.until, progress.at)
        say("Stopping: nobody new is let in.")
        say(f"{people(progress.at_work)} at work and may finish until {until}.")
        resume = self._session.command("resume", self._run)
        say(f"Press Ctrl-C again to stop now; `{resume}` goes on later.")
