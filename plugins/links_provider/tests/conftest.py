from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import famulus_links
from famulus import Form, Gateway, Plugins
from famulus.testing import GatewayTransport, ScriptedWorker, html_form
from famulus.testing.inprocess import kit_plugins
from famulus.testing.transports import Response

#: Rows of the runs that tests launch, and the address at which these are said to be served.
ROWS = [{"n": number} for number in range(3)]
URL = "https://tasks.example/"


@pytest.fixture
def plugins() -> Plugins:
    return kit_plugins(links=famulus_links)


@pytest.fixture
def launch(operator: Any) -> Callable[..., Gateway]:
    """A function that launches a run of the provider links and opens its gateway."""

    def launch(
        rows: Sequence[Mapping[str, int]] = ROWS,
        blueprint: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Gateway:
        gateway: Gateway = operator.launch_rows(
            rows, provider="links", blueprint=blueprint, provider_options=options, public_url=URL
        )
        return gateway

    return launch


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A list of two people."""
    path = tmp_path / "people.csv"
    path.write_text("Name,E-Mail,Group\nAnna Berg,anna@lab.example,a\nBo,,b\n", encoding="utf-8")
    return path


def filled_in(gateway: Gateway, query: Mapping[str, str], **values: str) -> Form:
    """Return the form of a link's first page, filled in."""
    page = html_form(gateway.arrive(query).body)
    assert page is not None
    assert page.action.startswith("enter?"), page.action
    fields = {control.name: control.value for control in page.controls}
    return Form(fields=[*{**fields, **values}.items()])


def press_button(gateway: Gateway, query: Mapping[str, str], **values: str) -> dict[str, str]:
    """Send the form of a link's first page, and return the query that it leads to."""
    reply = gateway.enter(query, filled_in(gateway, query, **values))
    assert reply.status == 303, reply.body
    return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


def answer_unit(gateway: Gateway, query: Mapping[str, str]) -> Response:
    """Open an address and answer the unit that it gives."""
    worker = ScriptedWorker(
        GatewayTransport(gateway), "x", query=lambda *_: query, has_scripts=False
    )
    page = worker.open("")
    assert page.has_form, page.answer.text
    return worker.submit(page)


@pytest.fixture
def fill_in() -> Callable[..., Form]:
    """The function that fills in the form of a link's first page."""
    return filled_in


@pytest.fixture
def begin() -> Callable[..., dict[str, str]]:
    """The function that sends the form of a link's first page."""
    return press_button


@pytest.fixture
def answer() -> Callable[..., Response]:
    """The function that answers the unit that an address gives."""
    return answer_unit
