"""Scripted workers: they open a run, fill in its form and behave as people do.

Each behaviour is a method that returns what the worker saw; the test judges it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

from attrs import define, field, frozen

from famulus.deprecations import keep_renamed_members
from famulus.testing.forms import FormData, HtmlForm
from famulus.testing.transports import GatewayTransport, HttpTransport, Response, Transport

__all__ = [
    "GatewayTransport",
    "HttpTransport",
    "OpenPage",
    "Response",
    "ScriptedWorker",
    "Transport",
]

T = TypeVar("T")


def _query(name: str, reference: str) -> dict[str, str]:
    return {"worker_id": name, "assignment_id": reference}


def _fill(form: HtmlForm, variant: int) -> FormData:
    return form.fill(variant)


@frozen(kw_only=True)
class OpenPage:
    """A page that a worker has open, with its form filled in."""

    reference: str
    answer: Response
    filled: FormData | None

    @property
    def has_form(self) -> bool:
        """Whether the page has a form to submit."""
        return self.filled is not None

    @property
    def submit_address(self) -> str:
        """The address that the form is sent to."""
        form = self.answer.form
        assert form is not None
        return form.action

    @property
    def give_back_address(self) -> str:
        """The address that the button for giving the unit back sends the form to."""
        return urlsplit(self.submit_address)._replace(path="give-back").geturl()


@keep_renamed_members
@define
class ScriptedWorker:
    """One worker, known by name, with a new reference for each visit.

    ``query`` makes the parameters of an address, by default those of the providers ``mock`` and
    ``crowd``. ``fill`` fills in a form; ``variant`` is handed to it, so that workers differ.
    """

    transport: Transport
    name: str
    variant: int = 0
    query: Callable[[str, str], Mapping[str, str]] = _query
    fill: Callable[[HtmlForm, int], FormData] = _fill
    #: whether the browser runs the page's script, which asks for JSON
    has_scripts: bool = True
    _numbers: Iterator[int] = field(factory=itertools.count, init=False, repr=False)

    def open(self, reference: str | None = None) -> OpenPage:
        """Open the task; an onboarding is passed first. The same reference again is a reload."""
        reference = f"{self.name}-{next(self._numbers)}" if reference is None else reference
        page = self._look(reference)
        if page.answer.form is not None and page.answer.form.is_onboarding:
            self.submit(page)
            page = self._look(reference)
        return page

    def submit(self, page: OpenPage) -> Response:
        """Send the form of an open page. Sending it again repeats the same submission."""
        assert page.filled is not None, f"there is no form to send: {page.answer.text}"
        return self.transport.send(
            page.filled, action=page.submit_address, as_json=self.has_scripts
        )

    def give_back(self, page: OpenPage) -> Response:
        """Press the button that gives the unit back."""
        assert page.filled is not None
        return self.transport.send(page.filled, action=page.give_back_address, as_json=False)

    def submit_all(self, most: int = 1000) -> list[Response]:
        """Do one unit after another until none is left, or ``most`` are done."""
        answers = []
        for _ in range(most):
            page = self.open()
            if not page.has_form:
                break
            answers.append(self.submit(page))
        return answers

    def drop_out(self) -> OpenPage:
        """Open the task and never come back."""
        return self.open()

    def reload(self, times: int = 1) -> tuple[list[OpenPage], Response]:
        """Open a page, reload it, submit the last one; return all pages and the response."""
        pages = [self.open()]
        pages += [self.open(pages[0].reference) for _ in range(times)]
        return pages, self.submit(pages[-1])

    def double_click(self, clicks: int = 2) -> list[Response]:
        """Send one submission several times at once."""
        page = self.open()
        return at_once(clicks, lambda _: self.submit(page))

    def many_tabs(self, tabs: int) -> list[OpenPage]:
        """Open several visits at once; return their pages, some perhaps without a form."""
        references = [f"{self.name}-{next(self._numbers)}" for _ in range(tabs)]
        return at_once(tabs, lambda number: self.open(references[number]))

    def retry_submission(self) -> list[Response]:
        """Send one submission twice, as after a lost reply; return both responses."""
        page = self.open()
        return [self.submit(page), self.submit(page)]

    def _look(self, reference: str) -> OpenPage:
        answer = self.transport.open(self.query(self.name, reference))
        form = answer.form
        filled = None if form is None else self.fill(form, self.variant)
        return OpenPage(reference=reference, answer=answer, filled=filled)


def at_once(times: int, work: Callable[[int], T]) -> list[T]:
    """Call ``work`` in ``times`` threads that start together; return the results by number.

    :raises Exception: the first exception that a thread has raised.
    """
    barrier = threading.Barrier(times)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
