from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.completion import (
    Completion,
    GoTo,
    Nothing,
    OwnPage,
    PostForm,
    ReturnPlace,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.views import Page, Refusal, RefusalReason
from famulus.engine.pages import (
    SUBMISSION_FIELD,
    TOKEN_FIELD,
    TaskFrame,
    TaskInfo,
    TaskLayout,
    WayOut,
    already_document,
    apology_document,
    busy_document,
    conflict_document,
    failed_onboarding_document,
    given_back_document,
    invalid_document,
    preview_document,
    refusal_document,
    stored_document,
    submit_json,
    task_document,
    undecided_document,
)
from famulus.engine.worker_progress import UnitNumber
from famulus.translation import ENGLISH, Translator

EN = Translator(ENGLISH)

EVIL = "</title></script><script>alert('&\"')</script>"
PAGE = Page(
    body='<p id="inside">Read <input name="a"></p>',
    head='<meta name="author-head">',
    scripts='<script id="author-script"></script>',
)

INFO = TaskInfo(
    title="Rate texts",
    description="Say what you think.",
    reward="0.10 USD",
    requester="lab",
    contact="lab@example.org",
)


#: What is the same in all languages, and what the tests bring.
_SAME = {"Read", "None", "busy", "error", "list", "deep", "photo", "signed", "one"} | {
    f"{each}" for each in RefusalReason
}


def done(completion: Completion, **more: Any) -> WayOut:
    """Return the way out of completed work."""
    return WayOut(VisitOutcome.COMPLETED, completion, **more)


class Elements(HTMLParser):
    """Every start tag with its attributes, in order, and the visible text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1][0] not in ("script", "style"):
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def task_page(
    translate: Translator = EN, *, info: TaskInfo = INFO, onboarding: bool = False, **changes: Any
) -> str:
    """Return the page of a unit, or of the onboarding."""
    values: dict[str, Any] = {
        "page": PAGE,
        "token": "signed",
        "ticket": "1.7.admits",
        "submission_id": "one",
        "storage_key": "agent-7",
        "seconds_left": 1800,
    }
    layout = TaskLayout.of(info, translate, is_onboarding=onboarding)
    return task_document(layout, TaskFrame(**{**values, **changes}))


def every_document(title: str, translate: Translator = EN) -> dict[str, str]:
    query = {"worker_id": title}
    hostile = TaskInfo(
        title=title, description=title + ".", reward=title, requester=title, contact=title
    )
    answers = {title: title, "list": [title], "deep": {"x": title}}
    photo = {"photo": {"name": title, "size": 3, "type": title, "sha256": "0"}}
    completions: list[Completion] = [
        Nothing(next_query=query),
        PostForm(url=f"https://example.org/{title}", fields={title: title}),
        GoTo(url=f"https://example.org/{title}"),
        ShowCode(code=title, url=f"https://example.org/{title}"),
        ReturnPlace(noun=title, url=f"https://example.org/{title}"),
        Nothing(),
    ]
    ways = [done(completion) for completion in completions]
    turned_away = WayOut(VisitOutcome.NOT_QUALIFIED, completions[4])
    return {
        "task": task_page(
            translate,
            info=hostile,
            token=title,
            submission_id=title,
            storage_key=title,
        ),
        "preview": preview_document(hostile, translate, PAGE),
        "plain preview": preview_document(hostile, translate, None),
        **{
            str(reason): refusal_document(
                title,
                translate,
                Refusal(reason=reason, detail=title),
                way_out=turned_away,
            )
            for reason in RefusalReason
        },
        **{
            f"stored {way}": stored_document(
                title, translate, answers | photo, True, way, shows_answers=True
            )
            for way in ways
        },
        **{f"already {way}": already_document(title, translate, way) for way in ways},
        **{f"given back {way}": given_back_document(title, translate, way) for way in ways},
        "failed": failed_onboarding_document(title, translate, title, turned_away),
        "screened out": failed_onboarding_document(
            title, translate, title, turned_away, is_screened_out=True
        ),
        "invalid": invalid_document(title, translate, title),
        "conflict": conflict_document(title, translate),
        "apology": apology_document(title, translate, title),
        "busy": busy_document(title, translate),
    }


def test_nothing_from_outside_becomes_markup() -> None:
    plain, hostile = every_document("plain"), every_document(EVIL)

    for (name, expected), document in zip(plain.items(), hostile.values(), strict=True):
        tags = [tag for tag, _ in Elements(document).tags]
        assert tags == [tag for tag, _ in Elements(expected).tags], name
        assert "<script>alert" not in document, name


@pytest.mark.parametrize("tag", ["ar", "zh-Hans"])
def test_no_text_of_a_page_is_left_in_english(tag: str) -> None:
    for name, document in every_document("T1", Translator.to(tag)).items():
        page = Elements(re.sub(r"(?s)<title>.*?</title>|<pre.*?</pre>", "", document))
        texts = [page.text, *(f"{each.get('value')}" for each in page.named("input"))]
        found = set(re.findall("[A-Za-z_]{4,}", " ".join(texts)))
        assert not found - _SAME, name


def test_every_page_is_whole_readable_and_needs_no_second_request() -> None:
    for name, document in every_document("A task").items():
        page = Elements(document)
        assert document.startswith("<!doctype html>\n"), name
        assert page.named("html") == [{"lang": "en"}], name
        assert page.tags[2] == ("meta", {"charset": "utf-8"}), name
        assert len(page.named("h1")) == 1, name
        assert len(page.named("main")) == 1, name
        assert all(link["href"] == "data:," for link in page.named("link")), name
        assert not any("src" in attributes for _, attributes in page.tags), name
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), name


def test_task_page_is_an_ordinary_form_with_token_and_submission_id_first() -> None:
    page = Elements(task_page())

    (form,) = page.named("form")
    assert form["method"] == "post"
    assert form["enctype"] == "multipart/form-data"
    assert form["action"] == "submit?ticket=1.7.admits"
    assert form["data-storage-key"] == "agent-7"
    named = [field for field in page.named("input") if "name" in field]
    assert [(field["name"], field.get("value")) for field in named] == [
        (TOKEN_FIELD, "signed"),
        (SUBMISSION_FIELD, "one"),
        ("a", None),
    ]
    [submit] = [field for field in page.named("input") if field.get("type") == "submit"]
    assert submit == {
        "id": "famulus-submit",
        "class": "famulus-button",
        "type": "submit",
        "value": "Submit",
    }
    [give_back] = page.named("button")
    assert give_back["formaction"] == "give-back?ticket=1.7.admits"
    assert "formnovalidate" in give_back


def test_our_script_comes_before_the_authors_parts_and_all_of_them_are_in_the_form() -> None:
    document = task_page()

    places = [
        "<title>",
        '<style id="famulus-style">',
        "author-head",
        "</head>",
        "<form",
        "famulus-answers:",
        'id="inside"',
        'id="famulus-submit"',
        "author-script",
        "</form>",
    ]
    assert sorted(places, key=document.index) == places


@pytest.mark.parametrize("preview", [False, True])
def test_attributes_of_document_and_form_are_escaped(preview: bool) -> None:
    page = Page(
        body="",
        html_attributes={"lang": "de", "data-x": EVIL},
        body_attributes={"onload": "go('&')", "bad name": "x", 'a"b': "x"},
        form_attributes={"id": "theirs", "name": EVIL, "onsubmit": "return ok()"},
    )

    document = preview_document(INFO, EN, page) if preview else task_page(page=page)

    found = Elements(document)
    assert found.named("html") == [{"lang": "de", "data-x": EVIL}]
    assert found.named("body") == [{"onload": "go('&')"}]
    (form,) = found.named("form")
    assert (form["id"], form["name"], form["onsubmit"]) == ("theirs", EVIL, "return ok()")


def test_how_the_form_is_sent_is_not_the_pages_to_decide() -> None:
    sent = {"action": "submit?ticket=1.7.admits", "method": "post", "data-storage-key": "agent-7"}
    page = Page(body="", form_attributes={**dict.fromkeys(sent, "x"), "ACTION": "y", "target": "z"})

    (form,) = Elements(task_page(page=page)).named("form")

    assert {name: form.get(name) for name in (*sent, "target")} == {**sent, "target": None}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (20, "1 min left"),
        (1740, "29 min left"),
        (7200, "2 h left"),
        (90_000, "25 h left"),
        (600_000, "6 days left"),
    ],
)
def test_time_left_is_written_for_browsers_without_javascript(seconds: int, shown: str) -> None:
    assert shown in Elements(task_page(seconds_left=seconds)).text


def test_no_deadline_shows_no_time() -> None:
    page = Elements(task_page(seconds_left=None))

    assert "famulus-time" not in [attributes.get("id") for _, attributes in page.tags]


def test_header_says_what_a_unit_pays_who_asks_and_how_to_reach_them() -> None:
    for document in (task_page(), preview_document(INFO, EN, PAGE)):
        page = Elements(document)

        assert "0.10 USD per unit Requester: lab Contact: lab@example.org" in page.text
        assert page.named("a") == [{"href": "mailto:lab@example.org"}]


def test_header_leaves_out_what_is_not_known() -> None:
    page = Elements(task_page(info=TaskInfo(title="Rate texts")))

    assert page.named("ul") == []


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("a b@example.org", None),
        ("Ask in the forum", None),
        ("javascript:alert(1)", None),
        ("x?bcc=y@example.org", "mailto:x%3Fbcc%3Dy@example.org"),
        ("https://example.org/ask?a=1&b=2", "https://example.org/ask?a=1&b=2"),
    ],
)
def test_contact_is_a_link_where_it_is_an_address(contact: str, link: str | None) -> None:
    page = Elements(preview_document(TaskInfo(title="T", contact=contact), EN, None))

    assert f"Contact: {contact}" in page.text
    assert [a["href"] for a in page.named("a")] == ([] if link is None else [link])


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (UnitNumber(number=3, most=10), "Unit 3 of at most 10"),
        (UnitNumber(number=1, most=None), "Unit 1"),
    ],
)
def test_header_says_which_of_the_workers_units_it_is(number: UnitNumber, shown: str) -> None:
    facts = "0.10 USD per unit {} Requester: lab"

    assert facts.format(shown) in Elements(task_page(number=number)).text


def test_onboarding_says_that_it_is_one_that_it_is_unpaid_and_how_many_tries_there_are() -> None:
    text = Elements(task_page(onboarding=True, passed=False)).text

    assert "This is an introduction, before your first unit. It is not paid. You have one" in text
    assert "the units, which pay 0.10 USD each." in text
    assert "per unit" not in text
    assert "You have passed" not in text


def test_page_after_the_onboarding_says_that_it_was_passed() -> None:
    (note,) = _with_id(task_page(passed=True), "famulus-passed")
    (unseen,) = _with_id(task_page(passed=False), "famulus-passed")

    assert "hidden" not in note
    assert "hidden" in unseen
    assert _with_id(task_page(passed=None), "famulus-passed") == []


def test_failed_onboarding_is_one_sentence() -> None:
    page = Elements(failed_onboarding_document("T", EN))

    assert len(page.named("p")) == 3  # the title, the sentence, the code
    assert "You did not pass the introduction" in page.text
    assert "code: not_qualified" in page.text


def _with_id(document: str, name: str) -> list[dict[str, str | None]]:
    return [attributes for _, attributes in Elements(document).tags if attributes.get("id") == name]


def test_preview_has_nothing_that_could_be_sent() -> None:
    page = Elements(preview_document(INFO, EN, PAGE))

    assert "This is a preview" in page.text
    assert page.named("form") == [{"id": "famulus-form", "method": "dialog"}]
    assert "disabled" in page.named("fieldset")[0]
    assert page.named("button") == []
    assert TOKEN_FIELD not in [field["name"] for field in page.named("input")]


def test_preview_without_a_page_shows_title_and_description() -> None:
    text = Elements(preview_document(INFO, EN, None)).text

    assert "Rate texts Say what you think." in text


def test_each_refusal_has_its_own_words_and_its_code() -> None:
    pages = {
        reason: Elements(refusal_document("T", EN, Refusal(reason=reason)))
        for reason in RefusalReason
    }

    for reason, page in pages.items():
        assert f"code: {reason.value}" in page.text
    texts = {page.text.split("code:")[0] for page in pages.values()}
    assert len(texts) == len(RefusalReason)


def test_text_for_a_worker_who_has_done_all_is_the_tutorials() -> None:
    refusal = Refusal(reason=RefusalReason.ALL_DONE)

    text = Elements(refusal_document("T", EN, refusal)).text

    assert "You have done all there is for you in this task." in text


def test_refusal_adds_the_plugins_sentence() -> None:
    refusal = Refusal(reason=RefusalReason.NOT_QUALIFIED, detail="French speakers only.")

    text = Elements(refusal_document("T", EN, refusal)).text

    assert "French speakers only." in text


def test_page_that_refers_to_the_requester_says_how_to_reach_them() -> None:
    contact = "help@example.org"
    blocked = refusal_document("T", EN, Refusal(reason=RefusalReason.BLOCKED), contact=contact)

    for text in (
        blocked,
        apology_document("T", EN, "8f3a", contact),
        undecided_document("T", EN, "8f3a", contact),
    ):
        (link,) = Elements(text).named("a")
        assert link["href"] == "mailto:help@example.org"
        assert "write to the requester" in text


def test_page_that_does_not_refer_to_the_requester_has_no_contact() -> None:
    refusal = Refusal(reason=RefusalReason.ALL_DONE)

    text = refusal_document("T", EN, refusal, contact="help@example.org")

    assert "help@example.org" not in text


def test_nothing_left_can_be_tried_again_by_loading_the_page_again() -> None:
    refusal = Refusal(reason=RefusalReason.NOTHING_LEFT)

    page = Elements(refusal_document("T", EN, refusal))

    assert [each["href"] for each in page.named("a")] == [""]


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (RefusalReason.NOT_QUALIFIED, "Please return this HIT where you accepted it"),
        (RefusalReason.NOTHING_LEFT, "If you would rather leave, please return this HIT"),
    ],
)
def test_refused_worker_is_asked_to_return_the_place_in_a_window_of_its_own(
    reason: RefusalReason, sentence: str
) -> None:
    url = "https://example.org/projects/1/tasks/2?a=b"
    way_out = WayOut(VisitOutcome.NOT_QUALIFIED, ReturnPlace(noun="HIT", url=url))

    page = Elements(refusal_document("T", EN, Refusal(reason=reason), way_out=way_out))

    assert sentence in page.text
    link = page.named("a")[-1]
    assert (link["href"], link["target"], link["rel"]) == (url, "_blank", "noopener")


#: Refusals whose reason may pass without the requester.
PASSING = {
    RefusalReason.TOO_MANY_OPEN,
    RefusalReason.PLACE_TAKEN,
    RefusalReason.NOTHING_LEFT,
}


@pytest.mark.parametrize("reason", RefusalReason)
@pytest.mark.parametrize(
    "completion",
    [
        GoTo(url="https://example.org/out"),
        PostForm(url="https://example.org/out", fields={"a": "b"}),
    ],
    ids=["address", "form"],
)
def test_page_of_a_refusal_goes_on_by_itself_unless_the_reason_may_pass(
    reason: RefusalReason, completion: Completion
) -> None:
    way_out = WayOut(VisitOutcome.RUN_CLOSED, completion)

    document = refusal_document("T", EN, Refusal(reason=reason), way_out=way_out)

    text = Elements(document).text
    assert "Continue" in text
    assert ("Try again" in text) is (reason in PASSING | {RefusalReason.RUN_STOPPED})
    assert ('data-after-seconds="10"' in document) is (reason not in PASSING)
    assert ("Stay on this page" in text) is (reason not in PASSING)
    # A browser without scripts could not be kept on the page.
    assert 'http-equiv="refresh"' not in document


@pytest.mark.parametrize(
    ("completion", "leave"),
    [
        (GoTo(url="https://example.org/out"), "Please continue to where you came from."),
        (PostForm(url="https://example.org/out", fields={}), "Please tell the platform that"),
        (ShowCode(code="C0DE"), "Please copy this code"),
        (ReturnPlace(), "Please return this task"),
        (Nothing(), ""),
        (OwnPage(), ""),
        (None, ""),
    ],
)
def test_page_of_a_stopped_run_leads_out_and_offers_to_try_again_below(
    completion: Completion | None, leave: str
) -> None:
    way_out = None if completion is None else WayOut(VisitOutcome.RUN_CLOSED, completion)

    document = refusal_document("T", EN, Refusal(reason=RefusalReason.RUN_STOPPED), way_out=way_out)

    page = Elements(document)
    again = page.named("a")[-1]
    assert again["href"] == ""
    assert again["class"] == ("famulus-quiet-button" if leave else "famulus-button")
    assert leave in page.text.partition("Try again")[0]


def test_pages_after_a_unit_given_back_and_a_failed_onboarding_go_on_by_themselves() -> None:
    way_out = WayOut(VisitOutcome.WITHDREW, GoTo(url="https://example.org/out"))
    offering = WayOut(
        VisitOutcome.WITHDREW, GoTo(url="https://example.org/out", next_query={"a": "b"})
    )

    for document in (
        given_back_document("T", EN, way_out),
        failed_onboarding_document("T", EN, way_out=way_out),
        failed_onboarding_document("T", EN, way_out=way_out, is_screened_out=True),
    ):
        assert 'data-after-seconds="10"' in document
    assert "data-after-seconds=" not in given_back_document("T", EN, offering)


def test_browser_without_scripts_alone_is_led_on_after_a_pause_that_scripts_can_end() -> None:
    way_out = WayOut(VisitOutcome.COMPLETED, GoTo(url="https://example.org/out"))
    paused = evolve(way_out, thank_you="<p>Debriefing</p>")
    refresh = '<meta http-equiv="refresh" content="{};url=https://example.org/out">'

    documents = [stored_document("T", EN, {}, False, way) for way in (way_out, paused)]

    assert refresh.format(1) in documents[0].partition("</head>")[0]
    assert f"<noscript>{refresh.format(11)}</noscript>" in documents[1].partition("</head>")[0]


ANSWERS = {
    "rating": "bad",
    "why": "",
    "which": ["a", "b"],
    "marks": [],
    "photo": {"name": "cat.png", "size": 12345, "type": "image/png", "sha256": "00"},
}


def test_sent_data_are_shown_as_stored_and_readably() -> None:
    document = stored_document("T", EN, ANSWERS, False, done(Nothing()), shows_answers=True)

    assert '"rating": "bad"' in document
    page = Elements(document)
    assert "photo cat.png (12.3 kB, image/png)" in page.text
    assert "why no answer" in page.text
    assert "marks nothing" in page.text
    shown = re.search(r'<pre[^>]*id="famulus-answers"[^>]*>(.*?)</pre>', document, re.DOTALL)
    assert shown is not None
    assert json.loads(unescape(shown[1])) == ANSWERS


@pytest.mark.parametrize("answers", [["a"], "text", 3, None, {}])
def test_answers_of_any_shape_are_shown(answers: Any) -> None:
    document = stored_document("T", EN, answers, False, done(Nothing()), shows_answers=True)

    assert json.dumps(answers) in unescape(document)


def test_answers_are_shown_only_where_the_platform_shows_them() -> None:
    assert "bad" not in Elements(stored_document("T", EN, ANSWERS, False, done(Nothing()))).text


@pytest.mark.parametrize("size", [100, 3000, 7000, 20_000, 2_000_000])
@pytest.mark.parametrize("char", ["x", "<", "'", "é", "\U0001f600", "\\"])
def test_no_page_repeats_more_than_16_kb_of_what_was_sent(size: int, char: str) -> None:
    answers = {"a": char * size, "b": [char * size]}

    page = stored_document("T", EN, answers, False, done(Nothing()), shows_answers=True)

    assert "Your answers are stored" in page
    plain = stored_document("T", EN, {}, False, done(Nothing()), shows_answers=True)
    assert len(unescape(page).encode()) < len(unescape(plain).encode()) + 16_700
    assert len(page.encode()) < 150_000


@pytest.mark.parametrize("late", [True, False])
def test_page_says_that_answers_were_late(late: bool) -> None:
    text = Elements(stored_document("T", EN, ANSWERS, late, done(Nothing()))).text

    assert ("marked late" in text) is late


def test_platforms_form_carries_its_fields_and_a_button() -> None:
    completion = PostForm(url="https://example.org/done", fields={"assignmentId": "a&b"})

    page = Elements(stored_document("T", EN, ANSWERS, False, done(completion)))

    (form,) = page.named("form")
    assert (form["method"], form["action"]) == ("post", "https://example.org/done")
    (field,) = page.named("input")
    assert (field["name"], field["value"]) == ("assignmentId", "a&b")
    assert len(page.named("button")) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//example.org", "/here", "https://[", ""]
)
def test_next_address_that_is_not_on_the_web_is_not_followed(url: str) -> None:
    for completion in (GoTo(url=url), PostForm(url=url, fields={})):
        page = Elements(stored_document("T", EN, ANSWERS, False, done(completion)))
        assert "Your answers are stored" in page.text
        assert "bad_next_address" in page.text
        assert page.named("a") == page.named("form") == []
    code = Elements(stored_document("T", EN, ANSWERS, False, done(ShowCode(code="C0DE", url=url))))
    assert "C0DE" in code.text
    assert code.named("a") == []
    back = Elements(
        given_back_document("T", EN, WayOut(VisitOutcome.WITHDREW, ReturnPlace(url=url)))
    )
    assert "return this task" in back.text
    assert back.named("a") == []


def test_a_worker_who_has_submitted_sees_the_next_step_without_a_redirect() -> None:
    completion = GoTo(url="https://example.org/done")

    document = already_document("T", EN, done(completion))

    page = Elements(document)
    assert "You have submitted this one already" in page.text
    assert [each["href"] for each in page.named("a")] == ["https://example.org/done"]
    assert 'http-equiv="refresh"' not in document
    assert "data-after-seconds=" not in document


def test_reply_to_the_script_is_json() -> None:
    reply = json.loads(submit_json("invalid", "Say “more”.", "<p>"))

    assert reply == {"outcome": "invalid", "message": "Say “more”.", "html": "<p>"}


def test_reply_to_the_script_has_its_page_without_our_style_sheet_alone() -> None:
    own = '<style id="famulus-style">\np { }\n</style>'
    done_with = done(ShowCode(code="X"))
    page = stored_document("T", EN, {"a": own}, False, done_with, shows_answers=True)
    sheet = page[page.index("<style") : page.index("</style>")]

    html = json.loads(submit_json("stored", "", page))["html"]

    assert html == page.replace(sheet, '<style id="famulus-style">', 1)
    assert len(html) < len(page) - 1000
    assert json.loads(submit_json("stored", "", own))["html"] == own


@pytest.mark.parametrize(
    "name",
    ["drafts.js", "answers.js", "clock.js", "worker.js", "parsed.js", "done.js", "worker.css"],
)
def test_asset_can_stand_inside_its_element(name: str) -> None:
    text = files("famulus.engine.pages").joinpath(name).read_text(encoding="utf-8").lower()

    for end in ("</script", "</style", "<!--", "<script"):
        assert end not in text
    # Template literals would not survive the loss of their indentation.
    assert "`" not in text


def test_script_knows_the_frames_hidden_fields() -> None:
    text = files("famulus.engine.pages").joinpath("worker.js").read_text(encoding="utf-8")

    assert TOKEN_FIELD.startswith("famulus_")
    assert "input[name^=famulus_]" in text
    assert f'"{SUBMISSION_FIELD}"' in text


def test_a_page_gives_the_submit_button_an_id_but_not_another_meaning() -> None:
    page = Page(
        body="x",
        submit_attributes={"id": "theirs", "type": "reset", "name": "a", "onclick": 'f("x")'},
    )

    elements = Elements(task_page(page=page))

    [submit] = [field for field in elements.named("input") if field.get("type") == "submit"]
    assert submit == {
        "class": "famulus-page-button",
        "id": "theirs",
        "onclick": 'f("x")',
        "type": "submit",
        "value": "Submit",
    }
    assert {"id": "famulus-submit"} in elements.named("span")


def test_a_page_with_a_button_of_its_own_hides_ours() -> None:
    page = Page(body="<button type=submit>x</button>", submit_attributes={"hidden": ""})

    elements = Elements(task_page(page=page))

    assert {"id": "famulus-submit", "hidden": None} in elements.named("span")


def test_scripts_find_the_button_that_they_know_in_a_preview() -> None:
    page = Page(body="x", submit_attributes={"id": "theirs"})

    elements = Elements(preview_document(INFO, EN, page))

    assert [field["id"] for field in elements.named("input")] == ["theirs"]
    assert {"hidden": None} in elements.named("div")
    assert Elements(preview_document(INFO, EN, Page(body="x"))).named("input") == []
