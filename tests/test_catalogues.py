"""The catalogues of all packages: complete, true to their sources, and compiled."""

from __future__ import annotations

import re
import tomllib
from gettext import GNUTranslations
from pathlib import Path

import pytest
from tools.catalogues.extraction import extract
from tools.catalogues.files import UNREAD, compiled, merge, read
from tools.catalogues.packages import FOLDERS, catalogues, packages
from tools.catalogues.packages import Catalogue as Built

from famulus.translation import LANGUAGES, Catalogue, Translator

ROOT = Path(__file__).parents[1]
ALL = [(package, folder) for _, package in packages() for folder in FOLDERS]
_PLACEHOLDER = re.compile(r"\{\w*\}")


@pytest.fixture(scope="module")
def built() -> dict[tuple[str, str], Built]:
    """The catalogues by package and folder; all sources of the workspace are read for them."""
    return {(each.package, each.folder): each for each in catalogues()}


@pytest.fixture(params=ALL, ids="-".join)
def catalogue(request: pytest.FixtureRequest, built: dict[tuple[str, str], Built]) -> Built:
    return built[request.param]


def test_there_is_a_folder_for_each_language() -> None:
    assert sorted(FOLDERS) == sorted(
        each.folder for each in LANGUAGES.values() if each.folder != "en"
    )


def test_a_catalogue_has_all_texts_of_the_sources_and_no_others(catalogue: Built) -> None:
    text = catalogue.po.read_text(encoding="utf-8")

    assert text == catalogue.merged(), "run `python -m tools.catalogues`"
    assert catalogue.untranslated() == []


def test_the_compiled_file_is_the_catalogue(catalogue: Built) -> None:
    text = catalogue.po.read_text(encoding="utf-8")

    assert catalogue.mo.read_bytes() == compiled(text), "run `python -m tools.catalogues`"
    with catalogue.mo.open("rb") as file:
        translations = GNUTranslations(file)
    for entry in read(text).entries.values():
        if entry.plural is None:
            assert translations.gettext(entry.message) == entry.translations[0]
        else:
            found = {translations.ngettext(entry.message, entry.plural, n) for n in range(200)}
            assert found == set(entry.translations)


def test_each_translation_has_the_placeholders_of_its_text(catalogue: Built) -> None:
    for entry in read(catalogue.po.read_text(encoding="utf-8")).entries.values():
        for text in entry.translations:
            assert sorted(_PLACEHOLDER.findall(text)) == sorted(
                _PLACEHOLDER.findall(entry.message)
            ), text
            # Sentences are joined and cut by what is around them.
            assert text == text.strip()


def test_a_catalogue_says_whether_a_native_speaker_has_read_it(catalogue: Built) -> None:
    comments = read(catalogue.po.read_text(encoding="utf-8")).comments

    assert UNREAD in comments or any("read by" in each.lower() for each in comments)


def test_wheels_have_the_catalogues() -> None:
    for source, package in packages():
        project = tomllib.loads((source.parent / "pyproject.toml").read_text(encoding="utf-8"))
        wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
        assert wheel == {"packages": [f"src/{package}"]}
        assert all(Catalogue(package).has(language) for language in LANGUAGES.values())


def test_texts_are_kept_by_a_merge_and_those_that_are_gone_are_deleted(tmp_path: Path) -> None:
    package = tmp_path / "words"
    package.mkdir()
    (package / "page.py").write_text(
        '_("Yes")\n# Translators: of a door\n_n("{count} key", "{count} keys", count=2)\n'
    )
    known = read(
        '# Read by Zoe.\nmsgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Yes"\nmsgstr ""\n"J"\n"a"\n\n'
        'msgid "No"\nmsgstr "Nein"\n'
    )

    text = merge(extract(tmp_path, "words"), known, package="words", folder="de")

    assert text.startswith("# Read by Zoe.\n")
    assert 'msgid "Yes"\nmsgstr "Ja"\n' in text
    assert '#. of a door\n#: words/page.py\nmsgid "{count} key"\n' in text
    assert "No" not in text


def test_a_text_that_is_no_literal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "page.py").write_text('_(f"{x} keys")\n')

    with pytest.raises(ValueError, match=r"words/page\.py:1"):
        extract(tmp_path, "words")


def test_every_language_is_translated_into_itself() -> None:
    pages = {
        tag: Translator(language)(Catalogue("famulus").text("Submit"))
        for tag, language in LANGUAGES.items()
    }

    assert len(set(pages.values())) == len(LANGUAGES)
