"""What a page written for MTurk finds around it."""

from __future__ import annotations

import json

import pytest

import famulus
from famulus_static_html.mturk import visit_values
from famulus_static_html.page import compile_page
from famulus_static_html.values import VISIT

FIELDS = [("assignmentId", "3"), ("workerId", "A"), ("hitId", "H"), ("a", "1")]


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<input name=a>", ["workerId", "hitId", "a"]),
        ("<input type=hidden name=workerId><input type=HIDDEN name=hitId value=''>", ["a"]),
        (
            "<input type=hidden name=workerId value='${provider_worker_id}'>",
            ["workerId", "hitId", "a"],
        ),
        ("<input name=workerId>", ["workerId", "hitId", "a"]),
        ("<select name=hitId></select>", ["workerId", "hitId", "a"]),
        ("<input name=workerId><input type=hidden name=workerId>", ["workerId", "hitId", "a"]),
        ("<input name=assignmentId>", ["assignmentId", "workerId", "hitId", "a"]),
    ],
)
def test_hidden_fields_that_copy_the_visits_values_are_no_answers(
    html: str, kept: list[str]
) -> None:
    page = compile_page(html)

    form = page.mturk.answers(famulus.Form(fields=FIELDS))

    assert [name for name, _ in form.fields] == kept


@pytest.mark.parametrize(
    ("html", "attributes"),
    [
        ("<input name=a>", {}),
        ("<script>document.getElementById('submitButton').disabled = true</script>", "id"),
        ("<style>#submitButton { color: red }</style>", "id"),
        ("<script src=own.js></script>", "id"),
        ("<script src=//cdn/jquery.js></script>", {}),
        ("<script src=own.js></script><style>#famulus-submit { color: red }</style>", {}),
        ("<button type=button id=submitButton>x</button>", {}),
        ("<button type=submit>x</button>", "hidden"),
        ("<input type=Submit>", "hidden"),
        ("<form><input type=image></form>", "hidden"),
        ("<input type=submit><script>f('submitButton')</script>", "hidden"),
        ("<button onclick='more()'>More</button>", {}),
        ("<input type=submit style='display:none'>", {}),
        ("<button type=submit hidden>x</button>", {}),
        ("<button type=submit form=another>x</button>", {}),
        ("<button type=submit form=mturk_form>x</button>", "hidden"),
        ("<button type=submit form=f>x</button><form id=f><input name=a></form>", "hidden"),
        ("<input type=submit form=''>", {}),
        ("<template><input type=submit></template>", {}),
        ("<button type=submit>x</button><form><input name=a></form>", {}),
    ],
)
def test_the_submit_button_is_mturks_or_the_authors(html: str, attributes: object) -> None:
    known = {"id": {"id": "submitButton"}, "hidden": {"hidden": ""}}

    given = compile_page(html).render({}).submit_attributes

    assert given == (known[attributes] if isinstance(attributes, str) else attributes)


@pytest.mark.parametrize(
    ("html", "is_given"),
    [
        ("<input name=a>", False),
        ("<script>f()</script>", False),
        ("<p>location</p>", False),
        ("<script>f(location.search)</script>", True),
        ("<body onload='f(location)'>", True),
        ("<script src=//cdn/externalHIT_v1.js></script>", True),
    ],
)
def test_only_code_that_can_read_the_address_gets_the_visits_values(
    html: str, is_given: bool
) -> None:
    visit = ("17", "5", "Ann </script>")

    head = compile_page(html).render({VISIT: visit}).head

    assert ("turkSubmitTo" in head) is is_given
    if is_given:
        written = head.partition("var visit = ")[2].partition(";\n")[0]
        assert json.loads(written) == {
            "assignmentId": "17",
            "hitId": "5",
            "workerId": "Ann </script>",
        }
        assert "Ann <" not in head


def test_a_preview_has_not_been_accepted() -> None:
    assert visit_values("", "", "") == {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE"}


def test_the_field_of_mturks_form_is_there_for_code_that_looks_for_it() -> None:
    field = '<input type="hidden" name="assignmentId" id="assignmentId" value="">\n'
    code = "<script>f(document.getElementById('assignmentId'))</script>"
    own = "<form><input name=a></form>"

    assert compile_page(code).render({}).body == field + code
    assert field not in compile_page(code + own).render({}).body
    assert field not in compile_page("<p>assignmentId</p>").render({}).body
    assert compile_page(code + "<input name=assignmentId>").render({}).body.count("<input") == 1
