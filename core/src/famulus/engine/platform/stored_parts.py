"""The plugins of a stored run, constructed to ask its provider rather than to serve the run."""

from __future__ import annotations

from famulus.engine.requesters import prepare_tables
from famulus.engine.runs import RunRecord, requester_of
from famulus.model.database import Database
from famulus.plan import RunParts, plan_from_stored
from famulus.plugins import Plugins


def stored_parts(database: Database, plugins: Plugins, record: RunRecord) -> RunParts:
    """Return the plugins of a stored run, after creating or upgrading the tables of its provider.

    Neither the run's callbacks nor the secrets of other plugins than the provider are needed.

    :raises famulus.UsageError: when the plan cannot be read from what is stored.
    """
    stored = dict(record.plan)
    stored["shared_state"] = {**stored["shared_state"], "callbacks": []}
    secrets = {key: "" for key in stored["secrets"] if not key.startswith("provider.")}
    plan = plan_from_stored(stored, plugins, secrets=secrets, run=f"run {record.id}")
    parts = RunParts(
        database=database,
        plugins=plugins,
        plan=plan,
        requester=requester_of(record),
        run_id=record.id,
    )
    prepare_tables(database, plugins, parts.provider_class)
    return parts
