"""The texts for requests that are refused before a form is read."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from famulus_flask.error_replies import explain


@pytest.mark.parametrize(
    "status",
    [
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ],
)
def test_refused_form_is_explained_without_the_name_of_the_status(status: HTTPStatus) -> None:
    text = explain(None, status, as_json=False).body

    assert status.phrase not in text
    assert "Back button" in text


def test_form_that_is_too_large_says_what_to_change() -> None:
    text = explain(None, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, as_json=False).body

    assert "Choose smaller or fewer files." in text


def test_description_of_the_error_comes_first() -> None:
    text = explain(
        None,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        description="A file may have at most 2 MB.",
        as_json=False,
    ).body

    assert "<p>A file may have at most 2 MB. Please go back" in text
    assert "smaller or fewer" not in text


def test_script_of_a_page_gets_no_advice_to_go_back() -> None:
    reply = explain(None, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, as_json=True)

    message = json.loads(reply.body)["message"]
    assert message.endswith("Your answers are still here. Please submit again.")
    assert "Back" not in message
