"""Studies as the API shows them."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.changes import count
from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.records import IN_PLACE, Study
from famulus_prolific.fake.state import State


def study_row(state: State, study: Study) -> dict[str, Any]:
    """Return a study as a row of a list."""
    row: dict[str, Any] = {
        "id": study.id,
        "name": study.fields["name"],
        "internal_name": study.fields["internal_name"],
        "date_created": iso(study.created_at),
        "published_at": iso(study.published_at),
        "status": str(study.status),
        "total_available_places": study.places,
        "places_taken": count(study, IN_PLACE),
        "number_of_submissions": len(study.submissions),
        "reward": study.reward,
        "study_type": "SINGLE",
        "total_cost": float(state.money.cost(study.reward, study.places).total),
        "is_underpaying": False,
    }
    if state.facts.lists_show_metadata:
        row["metadata"] = study.fields.get("metadata")
    return row


def study_detail(state: State, study: Study) -> dict[str, Any]:
    """Return a study with all of its fields."""
    return {
        **study.fields,
        **study_row(state, study),
        "metadata": study.fields.get("metadata"),
        "completion_codes": [one.written() for one in study.codes],
        "currency_code": state.money.currency,
        "presentment_currency_code": state.money.currency,
        "researcher": {"id": state.researcher_id},
        "workspace": state.projects[study.project],
    }
