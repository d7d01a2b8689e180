"""A form in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

import famulus
from famulus_form.form import CompiledForm
from famulus_form.form_file import FormDeclaration, read_form


@frozen
class TranslatedForm:
    """A form that is ready to be shown in each of its languages."""

    #: in the first language
    file: FormDeclaration
    #: by the tag of the language; the first one is the fall-back
    forms: Mapping[str, CompiledForm]

    @classmethod
    def read(cls, path: Path, items: int = 1) -> TranslatedForm:
        """Read and compile a form.

        :param items: as in :meth:`famulus_form.form.CompiledForm.compiled`.
        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        every = read_form(path).in_all_languages()
        if problems := [problem for file in every for problem in file.problems]:
            raise famulus.UsageError(problems)
        return cls(every[0], {file.language: CompiledForm.compiled(file, items) for file in every})

    def to(self, language: str) -> CompiledForm:
        """Return the form in a language, or in its first language if it lacks that one."""
        return self.forms.get(language) or next(iter(self.forms.values()))

    @property
    def languages(self) -> Sequence[str]:
        """The tags of its languages if each text is in all of them; none otherwise."""
        languages = self.file.languages
        return tuple(languages.tags) if languages.are_complete else ()
