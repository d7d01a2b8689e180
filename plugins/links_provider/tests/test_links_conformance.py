"""links keeps the rules of a provider, for personal links and for the parameters of a platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from famulus.testing import ProviderConformance
from famulus.testing.conformance.harness import PluginHarness
from famulus_links.addresses import LINK, VISIT, LinkSigner
from famulus_links.limits import Limits
from famulus_links.links import make_links, make_open_link
from famulus_links.people import Person
from famulus_links.provider import LinksProvider
from famulus_links.tables import SCHEMA


class LinksConformance(ProviderConformance):
    provider = LinksProvider
    schemas = (SCHEMA,)
    harness_in_use: PluginHarness | None = None

    @contextmanager
    def harness(self, tmp_path: Path) -> Iterator[PluginHarness]:
        with super().harness(tmp_path) as harness:
            self.harness_in_use = harness
            self.links: dict[str, str] = {}
            self.visits: dict[tuple[str, str], int] = {}
            yield harness

    def entry_query(self) -> dict[str, str]:
        if self.harness_in_use is None:
            return {LINK: "made when there is a database"}
        database = self.harness_in_use.database
        name = make_open_link(database, 1, "summer", Limits())
        return {LINK: LinkSigner(database).sign(name)}

    def entry_values(self, worker: str) -> dict[str, str]:
        return {"word": "summer", "name": worker}


class TestPersonalLinks(LinksConformance):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"ask_name": True}

    def query(self, worker: str, reference: str) -> dict[str, str]:
        if self.harness_in_use is None:
            return {LINK: "made when there is a database", VISIT: ""}
        database = self.harness_in_use.database
        if worker not in self.links:
            [link] = make_links(database, 1, [Person(name=worker)], Limits())
            self.links[worker] = LinkSigner(database).sign(link.name)
        number = self.visits.setdefault((worker, reference), len(self.visits) + 1)
        return {LINK: self.links[worker], VISIT: str(number)}


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
