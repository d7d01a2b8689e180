"""The parts of a form around its questions: consent, instructions with examples, thanks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.media import Shows
from famulus_form.texts import (
    OWN_NAMES,
    PageContent,
    Piece,
    blocks,
    fixed,
    inline,
    merged,
    placeholders,
    rendered,
)

#: The field that says to which version its worker has agreed.
CONSENT_FIELD = "_consent"
#: The column of that version in an export.
CONSENT_COLUMN = "consent"

# Fixed texts for workers.
INSTRUCTIONS = _("Instructions")
GOOD = _("Good example")
BAD = _("Bad example")
# Translators: the heading of a text that workers agree to
CONSENT = _("Before you begin")
AGREE = _("I agree")
# Translators: what is given back is one piece of work
OR_GIVE_BACK = _("If you do not agree, give this one back with the button below.")
NOT_AGREED = _(
    "Please read what stands before the questions, and agree to it. If you see no such text, load "
    "this page again."
)


@frozen(kw_only=True)
class Example(Shows):
    """An example of good or of bad work."""

    why: str = famulus.option(help="Why it is good or bad.", default="")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield from super().texts()
        yield "why", self.why

    def example_html(self, kind: str, title: str) -> list[Piece]:
        """Return the HTML of an example; ``kind`` is ``good`` or ``bad``."""
        why: list[Piece] = ['<p class="fq-why">', *inline(self.why), "</p>\n"] if self.why else []
        return [
            f'<div class="fq-example fq-{kind}">\n<p class="fq-example-title">',
            fixed(title),
            "</p>\n",
            *self.html(),
            *why,
            "</div>\n",
        ]


@frozen(kw_only=True)
class Instructions:
    """The instructions of a form, with examples."""

    text: str = famulus.option(help="What to do, in paragraphs.", default="")
    title: str = famulus.option(help="Their heading.", default=INSTRUCTIONS)
    good: list[Example] = famulus.option(help="Examples of good work.", factory=list)
    bad: list[Example] = famulus.option(help="Examples of bad work.", factory=list)

    @property
    def examples(self) -> Iterator[tuple[str, Example]]:
        """All examples, with their keys."""
        for kind in ("good", "bad"):
            for number, example in enumerate(getattr(self, kind)):
                yield f"{kind}.{number}", example

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders, with their keys."""
        yield "text", self.text
        yield "title", self.title
        for key, example in self.examples:
            yield from ((f"{key}.{below}", text) for below, text in example.texts())

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield key and message of each fault that the checks of single options do not find."""
        for key, example in self.examples:
            yield from ((f"{key}{below}", message) for below, message in example.faults())

    def html(self) -> list[Piece]:
        """Return the instructions' HTML, open for workers who have submitted nothing in the run."""
        if not self.text.strip() and not (self.good or self.bad):
            return []
        pieces: list[Piece] = [
            '<details class="fq-instructions"',
            lambda shown: " open" if shown.earlier is None else "",
            "><summary>",
            *inline(self.title),
            '</summary>\n<div class="fq-instructions-text">\n',
            *blocks(self.text),
        ]
        if self.good or self.bad:
            pieces.append('<div class="fq-examples">\n')
            for kind, title in (("good", GOOD), ("bad", BAD)):
                for example in getattr(self, kind):
                    pieces += example.example_html(kind, title)
            pieces.append("</div>\n")
        return [*pieces, "</div>\n</details>\n"]


@frozen(kw_only=True)
class Consent:
    """A text that a worker agrees to before everything else."""

    version: int | str = famulus.option(
        help="Version of the text, which is stored with the answers in the column consent: a whole "
        "number, or text.",
        required=True,
    )
    text: str = famulus.option(help="What is agreed to, in paragraphs.", default="")
    file: Path | None = famulus.option(help="File with the text, in place of text.")
    title: str = famulus.option(help="Heading of the page.", default=CONSENT)
    agree: str = famulus.option(help="Label of the button.", default=AGREE)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders, with their keys."""
        yield "file" if self.file else "text", self.text
        yield "title", self.title
        yield "agree", self.agree

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield key and message of each fault that the checks of single options do not find."""
        if not self.text.strip():
            yield "file" if self.file else "", "has no text for workers to agree to"
        if not self.sent.strip():
            yield "version", "is empty; name the version of the text, such as 1"

    @property
    def sent(self) -> str:
        """The value that the form sends for this version."""
        return str(self.version)

    def is_given(self, earlier: Any) -> bool:
        """Return whether earlier answers of a worker say that they agreed to this version."""
        return isinstance(earlier, Mapping) and str(earlier.get(CONSENT_COLUMN, "")) == self.sent

    def html(self) -> list[Piece]:
        """Return the consent's HTML; for a worker who has agreed before, only a hidden field."""
        named = f'name="{CONSENT_FIELD}" value="{escape(self.sent)}"'
        given = f'<input type="hidden" {named} autocomplete="off">\n'
        asked = merged(
            [
                '<section class="fq-page fq-consent" aria-labelledby="fq-consent-title">\n'
                '<h2 class="fq-title" id="fq-consent-title" tabindex="-1">',
                *inline(self.title),
                "</h2>\n",
                *blocks(self.text),
                f'<label class="fq-option fq-agree"><input type="checkbox" {named} required>'
                '<span class="fq-option-text">',
                *inline(self.agree),
                '</span></label>\n<p class="fq-help">',
                fixed(OR_GIVE_BACK),
                "</p>\n</section>\n",
            ]
        )

        def html(shown: PageContent) -> str:
            return given if self.is_given(shown.earlier) else rendered(asked, shown)

        return [html]


@frozen(kw_only=True)
class Head:
    """The parts of a form around its questions."""

    instructions: Instructions = famulus.option(
        help="What to do: a text, or an object with text, title, good and bad.",
        factory=Instructions,
    )
    consent: Consent | None = famulus.option(help="What a worker agrees to first.")
    thank_you: str = famulus.option(
        help="A text for the page that confirms the answers, in paragraphs.", default=""
    )

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders, with their keys."""
        yield from ((f"instructions.{key}", text) for key, text in self.instructions.texts())
        if self.consent is not None:
            yield from ((f"consent.{key}", text) for key, text in self.consent.texts())
        yield "thank_you", self.thank_you


def read_head(file: famulus.OptionFile, raw: Mapping[str, Any]) -> Head:
    """Read the parts of a form around its questions; errors are among the file's problems."""
    head = file.typed(Head, _written_out(raw), "") or Head()
    for key, message in head.instructions.faults():
        file.refuse(f"instructions.{key}", message)
    for name in placeholders(head.thank_you):
        if name in OWN_NAMES:
            message = f"${{{name}}} has no value once the answers are stored: leave it out"
            file.refuse("thank_you", message)
    if head.consent is None:
        return head
    consent = _with_file(file, head.consent)
    if consent is None:
        return evolve(head, consent=None)
    for key, message in consent.faults():
        file.refuse(f"consent.{key}" if key else "consent", message)
    return evolve(head, consent=consent)


def consent_file(file: famulus.OptionFile, raw: Mapping[str, Any]) -> Path | None:
    """Return the file that a consent names, even if the file cannot be read."""
    consent = raw.get("consent")
    name = consent.get("file") if isinstance(consent, Mapping) else None
    return file.path.parent / name if isinstance(name, str) else None


def _with_file(file: famulus.OptionFile, consent: Consent) -> Consent | None:
    """Return a consent with the text of its file; None if that cannot be read."""
    if consent.file is None:
        return consent
    if consent.text:
        file.refuse("consent.file", "cannot be used together with text: leave one of them out")
        return None
    path = file.path.parent / consent.file
    try:
        return evolve(consent, file=path, text=path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        remedy = "put it there in UTF-8, or write the text itself as text"
        file.refuse("consent.file", f"{path} cannot be read ({reason}): {remedy}")
        return None


def _written_out(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Expand short forms: a text to instructions, and a text or one example to a list."""
    found = dict(raw)
    if "instructions" not in found:
        return found
    instructions = found["instructions"]
    if not isinstance(instructions, Mapping):
        found["instructions"] = {"text": instructions}
        return found
    found["instructions"] = written = dict(instructions)
    for kind in ("good", "bad"):
        if kind in written:
            listed = written[kind] if isinstance(written[kind], list) else [written[kind]]
            written[kind] = [
                each if isinstance(each, Mapping) else {"text": each} for each in listed
            ]
    return found
