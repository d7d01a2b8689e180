"""docs/how-to/links.md names every outcome and state, and its configurations are valid."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import famulus_links
from famulus import VisitOutcome
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState
from famulus_links.progress import LinkState

PAGE = (Path(__file__).parents[2] / "docs/how-to/links.md").read_text(encoding="utf-8")


def test_every_outcome_and_every_state_is_explained() -> None:
    first_cells = re.findall(r"^\| ([^|]*) \|", PAGE, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}

    assert {each.value for each in (*VisitOutcome, *LinkState)} <= named


def test_configurations_of_the_page_can_be_launched(tmp_path: Path) -> None:
    blocks = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    options = [block["provider"] for block in blocks if "provider" in block]
    assert len(options) == 2

    plugins = kit_plugins(links=famulus_links)
    with ManualOperator(tmp_path / "famulus.db", plugins=plugins) as operator:
        for given in options:
            configuration = rows_configuration(provider="links", provider_options=given)
            operator.launch(configuration, shared_state=RowsState(rows=[{"n": 1}]))
