"""axe-core finds nothing on any page: wide, on a phone, and without JavaScript."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve, frozen

import famulus
from crowd_template import ANSWERS, ROW, TEMPLATE
from entry_provider import FORM as ENTRY_FORM
from famulus.contracts.completion import (
    GoTo,
    Nothing,
    OwnPage,
    PostForm,
    ReturnPlace,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.filled_form import fill_form
from famulus.contracts.views import PluginRefusal, Refusal, RefusalReason
from famulus.engine import pages
from famulus.engine.own_work import OwnWork
from famulus.engine.worker_progress import UnitNumber
from famulus.translation import Translator
from famulus_crowd_form import blueprint as crowd_form
from famulus_crowd_form.page import filled_page
from famulus_crowd_form.template import compile_template
from famulus_form.form import FOLDERS, CompiledForm
from famulus_form.form_file import read_form
from famulus_form.preview import FormPreview
from famulus_form.templates import studies
from famulus_form.texts import PageContent
from form_files import (
    EVERY_ANSWER,
    EVERY_COLUMN,
    EVERY_FIELD,
    EVERY_KIND,
    MARKS,
    MARKS_ANSWER,
    MARKS_FIELDS,
    MARKS_ROW,
    SHAPES,
    STEPS,
    compiled,
    refusals,
    write_form,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

pytestmark = pytest.mark.browser

SITE = "http://pages.example/"
WIDTHS = (1280, 390)
LANGUAGES = ("en", "ar")
TITLE = "Judge reviews"
INFO = pages.TaskInfo(
    title=TITLE,
    description="Read a review and say how its author feels.",
    reward="0.20 USD",
    requester="The laboratory",
    contact="study@example.org",
)
_MEDIA = """
questions:
- show: {audio: talk.wav, alt: A person counts to three}
- name: heard
  type: choice
  question: What is said?
  show:
  - {image: shapes.svg, alt: A circle and a square, label: Picture}
  - {video: talk.webm}
  options: [one, two]
  required: false
- name: more
  type: text
  question: Anything else?
  placeholder: Some words
  required: false
"""
_NAMES = ("mood", "age", "topics", "agree", "order", "warmth", "day", "photo", "better")

#: Pages of authors and reviewers, which are not translated.
_FOR_AUTHORS = re.compile("author's|review")

Act = Callable[["Page"], object]


@frozen
class Case:
    """A page, and what a worker does on it before it is looked at."""

    html: str
    act: Act | None = None


def form_cases(folder: Path, to: Translator) -> Iterator[tuple[str, Case]]:
    task, info = partial(task_in, to), info_in(to)
    every = compiled(read_form(write_form(folder, EVERY_KIND, "every.yaml")))
    marks = compiled(read_form(write_form(folder, MARKS, "marks.yaml")))
    media = compiled(read_form(write_form(folder, _MEDIA, "media.yaml")))
    asked = every.page(PageContent(EVERY_COLUMN, translate=to))
    marked = marks.page(PageContent(MARKS_ROW, translate=to))
    yield "form", Case(task(asked))
    yield "form with a condition", Case(task(asked), lambda page: page.keyboard.press("b"))
    yield "form with media", Case(task(media.page(PageContent({}, translate=to))))
    yield "form with errors", Case(task(evolve(asked, body=every.with_errors(asked.body, wrong()))))
    yield (
        "form filled in",
        Case(task(evolve(asked, body=fill_form(asked.body, list(EVERY_FIELD))))),
    )
    yield "marks", Case(task(marked))
    yield "marks made", Case(task(evolve(marked, body=fill_form(marked.body, list(MARKS_FIELDS)))))
    yield (
        "marks with errors",
        Case(task(evolve(marked, body=marks.with_errors(marked.body, refusals(marks))))),
    )
    yield "preview of a form", Case(pages.preview_document(info, to, asked))
    yield "preview of marks", Case(pages.preview_document(info, to, marked))
    for name, form, page, answers, row in (
        ("form", every, asked, EVERY_ANSWER, EVERY_COLUMN),
        ("marks", marks, marked, MARKS_ANSWER, MARKS_ROW),
    ):
        stored = [
            (key, each) for key, every_one in form.fields(answers).items() for each in every_one
        ]
        filled = fill_form(page.body, stored)
        seen = evolve(page, head=form.review_head, body=form.as_reviewed(filled, answers, row))
        yield f"review of a {name}", Case(reviewed(seen, answers))
    steps = compiled(read_form(write_form(folder, STEPS, "steps.yaml")))
    first = steps.page(PageContent({"text": "Cold.", "shop": "Corner Shop"}, translate=to))
    yield "consent", Case(task(first))
    yield "pages", Case(task(first), next_page)
    yield "pages with errors", Case(task(first), next_page_unanswered)
    several = CompiledForm.compiled(read_form(write_form(folder, EVERY_KIND, "items.yaml")), 3)
    of_items = several.page(
        several.shown({"items": [EVERY_COLUMN] * 3}, PageContent({}, translate=to))
    )
    yield "several rows", Case(task(of_items))
    written = write_form(folder, EVERY_KIND.replace("${", "$${"), "preview.yaml")
    author = FormPreview(written)
    yield "author's preview", Case(author.page(0))
    sent = famulus.Form(fields=EVERY_FIELD[1:], files=[])
    yield "author's preview with errors", Case(author.answered(0, sent))
    yield (
        "author's preview with answers",
        Case(author.answered(0, famulus.Form(fields=EVERY_FIELD, files=[]))),
    )
    broken = write_form(folder, "questions: 3\n", "broken.yaml")
    yield "author's preview of a broken form", Case(FormPreview(broken).page(0))


def shown_in(page: Page) -> Frame:
    """Return the frame in which a page is looked at; what is typed goes there."""
    return page.frames[1]


def crowd_cases(to: Translator) -> Iterator[tuple[str, Case]]:
    filled = filled_page(compile_template(TEMPLATE).render(ROW), to)
    page = crowd_form._page(filled, to)
    yield "elements", Case(task_in(to, page))
    yield "elements with errors", Case(task_in(to, page), refuse_elements)
    yield "preview of elements", Case(pages.preview_document(info_in(to), to, page))
    fields = [(name, each) for name, found in filled.fields(ANSWERS).items() for each in found]
    body = filled.reviewed(fill_form(page.body, fields), ANSWERS)
    seen = evolve(page, head=crowd_form.review_head(), body=body)
    yield "review of elements", Case(reviewed(seen, ANSWERS))


def refuse_elements(page: Page) -> None:
    """Show a refusal beside each element, with all instructions open."""
    shown = shown_in(page)
    shown.evaluate(
        """(fields) => {
          document.dispatchEvent(new CustomEvent("famulus:refused", { detail: { fields } }));
          for (const each of document.querySelectorAll("details")) each.open = true;
        }""",
        dict.fromkeys(ANSWERS, "Please answer this."),
    )
    shown.locator(".crowd-error").first.wait_for()


def next_page(page: Page) -> None:
    shown_in(page).locator(".fq-next").click()


def next_page_unanswered(page: Page) -> None:
    next_page(page)
    next_page(page)


def wrong() -> dict[str, str]:
    return dict.fromkeys(_NAMES, "Please answer this question.")


def study_cases(to: Translator) -> Iterator[tuple[str, Case]]:
    for study in studies():
        form = compiled(read_form(study.folder / "form.yaml"))
        with (study.folder / "data.csv").open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        shown = form.page(PageContent(row, translate=to))
        yield f"study {study.name}", Case(task_in(to, shown))


def frame_cases(to: Translator) -> Iterator[tuple[str, Case]]:
    task, info = partial(task_in, to), info_in(to)
    plain = famulus.Page(body='<p><label>Answer <input name="answer" required></label></p>')
    yield "task", Case(task(plain))
    yield "last minutes", Case(task(plain, seconds_left=50))
    yield "introduction", Case(task(plain, onboarding=True))
    yield "introduction passed", Case(task(plain, passed=True))
    yield "refused answers", Case(task(plain, message="Say more."))
    yield "giving back", Case(task(plain), give_back)
    yield "server away", Case(task(plain), submit)
    yield "preview", Case(pages.preview_document(info, to, plain))
    yield "preview without a page", Case(pages.preview_document(info, to, None))
    yield "review", Case(reviewed(plain, {"answer": "x"}))
    yield "review of answers alone", Case(reviewed(None, ["x" * 300]))
    entry = pages.EntryPage(info=info, form=ENTRY_FORM, query={"a": "b"}, key="k")
    yield "entry", Case(pages.entry_document(entry, to))
    messages = {"code": "This is not the code word.", "famulus_consent": "Please agree."}
    yield (
        "entry with errors",
        Case(pages.entry_document(evolve(entry, messages=messages, values={"code": "spring"}), to)),
    )


def give_back(page: Page) -> None:
    shown = shown_in(page)
    shown.locator("#famulus-give-back").click()
    shown.locator("#famulus-status").get_by_role("button").first.wait_for()


def submit(page: Page) -> None:
    shown = shown_in(page)
    shown.get_by_label("Answer").fill("x")
    shown.locator("#famulus-submit").click()
    shown.locator("#famulus-status").get_by_role("button").first.wait_for()


def notice_cases(to: Translator) -> Iterator[tuple[str, Case]]:
    leave = pages.WayOut(VisitOutcome.NOT_QUALIFIED, ShowCode(code="LEAVE", url=SITE))
    for reason in RefusalReason:
        html = pages.refusal_document(TITLE, to, Refusal(reason=reason), contact=INFO.contact)
        yield f"refusal {reason.value}", Case(html)
    own = PluginRefusal(code="tired", title="Please take a break", text="Come back in an hour.")
    yield (
        "refusal by a plugin",
        Case(pages.refusal_document(TITLE, to, own, passed=True, way_out=leave)),
    )
    yield "introduction failed", Case(pages.failed_onboarding_document(TITLE, to, "3 of 5.", leave))
    yield (
        "screened out",
        Case(pages.failed_onboarding_document(TITLE, to, is_screened_out=True)),
    )
    yield "invalid", Case(pages.invalid_document(TITLE, to, "Say more."))
    yield "conflict", Case(pages.conflict_document(TITLE, to))
    yield "apology", Case(pages.apology_document(TITLE, to, "8f3a", INFO.contact))
    yield "undecided", Case(pages.undecided_document(TITLE, to, "8f3a"))
    yield "notice", Case(pages.notice_document(TITLE, to, "No such page", "Go back.", "not_found"))
    yield "busy", Case(pages.busy_document(TITLE, to))


def way_out_cases(to: Translator) -> Iterator[tuple[str, Case]]:
    again = {"worker_id": "x"}
    for name, completion in {
        "nothing": Nothing(next_query=again),
        "own page": OwnPage(next_query=again),
        "code": ShowCode(code="DONE-1", url=SITE),
        "return": ReturnPlace(url=SITE),
        "form": PostForm(url="about:blank", fields={"a": "b"}),
        "link": GoTo(url="about:blank", next_query=again),
    }.items():
        is_own = isinstance(completion, OwnPage)
        way = pages.WayOut(
            VisitOutcome.COMPLETED,
            completion,
            own_work=OWN_WORK if is_own else None,
            own_query=again if is_own else {},
        )
        stored = pages.stored_document(TITLE, to, EVERY_ANSWER, True, way, shows_answers=True)
        yield f"stored, then {name}", Case(stored)
        if is_own:
            yield "own page", Case(pages.already_document(TITLE, to, way))
            left = evolve(way, outcome=VisitOutcome.WITHDREW, no_more=RefusalReason.ALL_DONE)
            yield "given back", Case(pages.given_back_document(TITLE, to, left))


OWN_WORK = OwnWork(
    in_review=2,
    accepted=3,
    rejected=1,
    too_late=1,
    in_task=9,
    currency="USD",
    earned=Decimal("1.40"),
    paid=Decimal("0.60"),
    pending=Decimal("0.40"),
    left=4,
)


def info_in(to: Translator) -> pages.TaskInfo:
    return evolve(INFO, language=to.language.tag)


def task_in(to: Translator, page: famulus.Page, *, onboarding: bool = False, **changes: Any) -> str:
    layout = pages.TaskLayout.of(info_in(to), to, is_onboarding=onboarding)
    values: dict[str, Any] = {
        "page": page,
        "token": "t",
        "ticket": "t",
        "submission_id": "s",
        "storage_key": "k",
        "seconds_left": 1800,
        "number": UnitNumber(number=2, most=5),
        **changes,
    }
    return pages.task_document(layout, pages.TaskFrame(**values))


def reviewed(page: famulus.Page | None, answers: Any) -> str:
    return pages.review_document("Unit 1", page, answers, facts=[("Worker", "x")])


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, language: str) -> dict[str, Case]:
    folder, to = tmp_path_factory.mktemp("forms"), Translator.to(language)
    every = [
        *form_cases(folder, to),
        *study_cases(to),
        *crowd_cases(to),
        *frame_cases(to),
        *notice_cases(to),
        *way_out_cases(to),
    ]
    return {name: case for name, case in every if language == "en" or not _FOR_AUTHORS.match(name)}


@frozen
class Axe:
    """A page of a browser that shows others in a frame, where axe-core is loaded with each."""

    page: Page
    html: dict[str, str]

    def faults(self, cases: Mapping[str, Case], widths: tuple[int, ...]) -> list[str]:
        """Return what axe-core finds on pages, each fault with the first page that has it.

        Of pages that differ in their words alone, the first is looked at.
        """
        found: dict[str, str] = {}
        shapes: set[tuple[str, Act | None]] = set()
        for name, case in cases.items():
            if (shape := (_shape(case.html), case.act)) in shapes:
                continue
            shapes.add(shape)
            self.html["page"] = case.html
            self.page.evaluate(_SHOW, widths[0])
            if case.act is not None:
                case.act(self.page)
            for fault, width in self.page.evaluate(_RUN, widths):
                found.setdefault(fault, f"{name}, {width}")
        return [f"{where}: {fault}" for fault, where in found.items()]


@pytest.fixture(scope="module")
def axe(browser: Browser) -> Iterator[Axe]:
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    html = {"": '<!DOCTYPE html><title>Pages</title><iframe style="border: 0; height: 900px">'}
    with browser.new_context(viewport={"width": 1300, "height": 940}) as context:
        serve(context, html)
        context.add_init_script(source)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(SITE)
        yield Axe(page, html)


def _shape(html: str) -> str:
    """Return a page without the words between its tags."""
    return re.sub(r">[^<]*\S[^<]*<", ">x<", html)


def serve(context: BrowserContext, html: Mapping[str, str]) -> None:
    """Answer requests for pages by their names, for files of forms, and nothing else."""
    served = {
        each.name: each.read_text(encoding="utf-8")
        for folder in (*FOLDERS, crowd_form.STATIC)
        for each in folder.iterdir()
    }

    def fulfil(route: Route) -> None:
        name = route.request.url.removeprefix(SITE)
        if route.request.method != "GET":
            route.fulfill(status=503, body="busy", headers={"Retry-After": "200"})
        elif name in served:
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(body=served[name], content_type=kind)
        elif name == "shapes.svg":
            route.fulfill(body=SHAPES, content_type="image/svg+xml")
        elif name in html:
            route.fulfill(body=html[name], content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=404)

    context.route(re.compile(".*"), fulfil)


_SHOW = """
(width) => new Promise((resolve) => {
  const frame = document.querySelector("iframe");
  frame.style.width = `${width}px`;
  frame.addEventListener("load", () => {
    frame.contentWindow.focus();
    resolve();
  }, { once: true });
  frame.src = "page";
})
"""
_RUN = """
async (widths) => {
  const frame = document.querySelector("iframe");
  const faults = [];
  for (const width of widths) {
    frame.style.width = `${width}px`;
    const { axe, document, innerWidth } = frame.contentWindow;
    if (innerWidth !== width) throw new Error(`the page is ${innerWidth} pixels wide`);
    const found = await axe.run(document, { resultTypes: ["violations"] });
    for (const { id, help, nodes } of found.violations) {
      for (const { html } of nodes) faults.push([`${id} (${help}): ${html}`, width]);
    }
  }
  return faults;
}
"""


def test_axe_finds_nothing(axe: Axe, cases: dict[str, Case], language: str) -> None:
    assert {name for name, case in cases.items() if f'lang="{language}"' not in case.html} == set()
    assert axe.faults(cases, WIDTHS) == []


def test_axe_finds_nothing_without_javascript(
    axe: Axe, cases: dict[str, Case], language: str
) -> None:
    bare = {
        name: Case(without_scripts(case.html))
        for name, case in cases.items()
        if case.act is None and "<script" in case.html
        # What surrounds a task has no parts of its own without JavaScript but in its words.
        if language == "en" or "elements" in name
    }

    assert axe.faults(bare, WIDTHS[-1:]) == []


def test_axe_finds_what_is_wrong_at_each_width(axe: Axe) -> None:
    style = "<style>@media (min-width: 600px) { b { display: none; } }</style>"
    page = f'<!DOCTYPE html><title>T</title>{style}<main><h1>T</h1><b role="button"></b></main>'
    wide = page.replace("min-width", "max-width")

    found = axe.faults({"narrow": Case(page), "wide": Case(wide)}, WIDTHS)

    assert [each.partition(" (")[0] for each in found] == [
        "narrow, 1280: html-has-lang",
        "narrow, 390: aria-command-name",
    ]


def without_scripts(html: str) -> str:
    """Return a page as a browser without JavaScript shows it: axe-core itself is a script."""
    bare = re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
    return re.sub(r"</?noscript>", "", bare)
