"""The packages of the workspace that have texts for workers, and their catalogues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen
from tools.catalogues.extraction import Extracted, extract
from tools.catalogues.files import compiled, merge, plural_count, read

_ROOT = Path(__file__).resolve().parents[2]
#: The folders of the languages that core knows; English is in the sources.
FOLDERS = ("ar", "de", "es", "fr", "zh_CN")


@frozen
class Catalogue:
    """The catalogue of one package in one language."""

    source: Path
    package: str
    folder: str
    extracted: Mapping[str, Extracted]

    @property
    def po(self) -> Path:
        """The file that people translate in."""
        name = f"{self.package}.po"
        return self.source / self.package / "locale" / self.folder / "LC_MESSAGES" / name

    @property
    def mo(self) -> Path:
        """The compiled file, which the package reads."""
        return self.po.with_suffix(".mo")

    def merged(self) -> str:
        """Return the text that the file should have."""
        known = read(self.po.read_text(encoding="utf-8")) if self.po.exists() else None
        return merge(self.extracted, known, package=self.package, folder=self.folder)

    def write(self) -> None:
        """Write both files."""
        self.po.parent.mkdir(parents=True, exist_ok=True)
        text = self.merged()
        self.po.write_text(text, encoding="utf-8")
        self.mo.write_bytes(compiled(text))

    def untranslated(self) -> list[str]:
        """Return the messages without a translation, or without one of its plural forms."""
        count = plural_count(self.folder)
        return [
            entry.message
            for entry in read(self.merged()).entries.values()
            if not all(entry.translations)
            or len(entry.translations) != (1 if entry.plural is None else count)
        ]


def packages() -> Iterator[tuple[Path, str]]:
    """Yield the packages with texts for workers: the folder of the sources, and the name."""
    for source in (_ROOT / "core" / "src", *sorted(_ROOT.glob("plugins/*/src"))):
        for module in sorted(source.glob("famulus*/catalogue.py")):
            yield source, module.parent.name


def catalogues() -> Iterator[Catalogue]:
    """Yield the catalogues of the workspace."""
    for source, package in packages():
        extracted = extract(source, package)
        for folder in FOLDERS:
            yield Catalogue(source, package, folder, extracted)
