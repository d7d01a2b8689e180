"""links keeps the rules of a provider, for personal links and for the parameters of a platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from famulus import Database
from famulus.testing import PluginHarness, ProviderConformance
from famulus_links.addresses import LINK, VISIT, LinkSigner
from famulus_links.limits import Limits
from famulus_links.links import make_links, make_open_link, note_entry
from famulus_links.people import Person
from famulus_links.provider import LinksProvider
from famulus_links.tables import SCHEMA


class LinksConformance(ProviderConformance):
    provider = LinksProvider
    schemas = (SCHEMA,)
    database: Database

    def prepare(self, harness: PluginHarness) -> None:
        self.database = harness.database

    def entry_query(self) -> dict[str, str]:
        name = make_open_link(self.database, 1, "summer", Limits())
        return {LINK: LinkSigner(self.database).sign(name)}

    def entry_values(self, worker: str) -> dict[str, str]:
        return {"word": "summer", "name": worker}


class TestPersonalLinks(LinksConformance):
    def prepare(self, harness: PluginHarness) -> None:
        super().prepare(harness)
        self.numbers: dict[tuple[str, str], int] = {}

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"ask_name": True}

    def query(self, worker: str, reference: str) -> dict[str, str]:
        [link] = make_links(self.database, 1, [Person(name=worker)], Limits())
        self.database.write(lambda tx: note_entry(tx, link))
        number = self.numbers.setdefault((worker, reference), len(self.numbers) + 1)
        return {LINK: LinkSigner(self.database).sign(link.name), VISIT: str(number)}


class TestParameters(LinksConformance):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {
            "worker_param": "PROLIFIC_PID",
            "visit_param": "SESSION_ID",
            "ask_name": True,
            "completions": {
                "completed": "https://platform.example/done?id={PROLIFIC_PID}",
                "not_qualified": "NOT-QUALIFIED-1",
            },
        }

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"PROLIFIC_PID": worker, "SESSION_ID": reference}
