"""The annotation of a HIT, by which it is found in MTurk's list without its id.

MTurk shows it to the requester only, and does not group HITs by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from famulus import RunView
    from famulus_mturk.calls import Mturk


def annotation(run: RunView, place: int) -> str:
    """Return the annotation of the HIT of a place, unique among all runs of all databases."""
    return f"{run.key}-{place}"


def listed_hits(mturk: Mturk, run: RunView) -> Iterator[Mapping[str, Any]]:
    """Yield the HITs of a run in MTurk's list. Makes a call per hundred HITs of the account."""
    for hit in mturk.pages("list_hits", "HITs"):
        if str(hit.get("RequesterAnnotation", "")).startswith(f"{run.key}-"):
            yield hit
