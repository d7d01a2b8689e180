"""A file that workers upload."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from pathlib import PurePosixPath
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.question import Answers, Fault, Question
from famulus_form.sent import Sent, WrongAnswer
from famulus_form.texts import Piece

_MEGABYTE = 1_000_000


def smaller_file(megabytes: float) -> str:
    """Return the sentence for a worker whose file is too large."""
    most = Decimal(f"{megabytes:g}")
    # Translators: MB is a million bytes
    return _("Please choose a file of at most {number} MB.", number=most)


@frozen(kw_only=True)
class File(Question):
    """A file; the answer is its name, size, type and hash, and the file is stored beside it."""

    type: ClassVar[str] = "file"

    accept: list[str] = famulus.option(
        help="Kinds of file: endings (.png) or types (image/*, audio/mpeg); all when empty.",
        factory=list,
    )
    max_megabytes: float | None = famulus.option(help="Largest file, in millions of bytes.")

    def faults(self) -> Iterator[Fault]:
        yield from super().faults()
        for number, kind in enumerate(self.accept):
            if not kind.startswith(".") and "/" not in kind:
                yield (
                    f"accept.{number}",
                    f"{kind!r} is neither an ending (.png) nor a type (image/*)",
                )
        if self.max_megabytes is not None and self.max_megabytes <= 0:
            yield "max_megabytes", "must be more than 0"

    def read(self, sent: Sent) -> dict[str, Any]:
        file = sent.file(self.name)
        if file is None:
            return self.missing()
        if self.max_megabytes is not None and file.size > self.max_megabytes * _MEGABYTE:
            raise WrongAnswer(smaller_file(self.max_megabytes))
        if self.accept and not any(_fits(file, kind) for kind in self.accept):
            kinds = ", ".join(self.accept)
            # Translators: {kinds} are endings and types of files, such as .png, image/*
            raise WrongAnswer(_("Please choose a file of another kind: {kinds}.", kinds=kinds))
        record = {
            "name": file.filename,
            "size": file.size,
            "type": file.content_type,
            "sha256": file.sha256,
        }
        return {self.name: record}

    def values(self, answers: Answers) -> list[str]:
        return []

    def fields(self, answers: Answers) -> list[tuple[str, str]]:
        return []

    def note(self, answers: Answers) -> str:
        file = answers.get(self.name)
        return f"{file['name']} ({file['type']}, {file['size']:,} bytes)" if file else ""

    def answer_text(self, answers: Answers) -> str:
        return self.note(answers)

    def control(self) -> list[Piece]:
        kinds = f' accept="{escape(",".join(self.accept))}"' if self.accept else ""
        return [
            f'<input type="file" id="{self.id}-input" name="{self.name}"{kinds}{self.needed()}'
            f"{self.described()}>\n{self.note_slot()}"
        ]


def _fits(file: famulus.FormFile, kind: str) -> bool:
    if kind.startswith("."):
        return PurePosixPath(file.filename).suffix.lower() == kind.lower()
    wanted, given = kind.lower(), file.content_type.lower().partition(";")[0].strip()
    return given.startswith(wanted[:-1]) if wanted.endswith("/*") else given == wanted
