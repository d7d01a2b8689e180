"""The provider ``visitors``: workers whom the address names, ?who=NAME&visit=NUMBER."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

import famulus


@attrs.frozen(kw_only=True)
class VisitorsArgs:
    """Options of the provider ``visitors``."""

    code: str = famulus.option(help="Code that completed work gets.", default="DONE")


class Visitors(famulus.Provider):
    """Takes the workers whom the address names."""

    type = "visitors"
    Args = VisitorsArgs
    default_requester = "VISITORS_REQUESTER"

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival | famulus.Preview:
        who, visit = query.get("who", "").strip(), query.get("visit", "").strip()
        if not (who and visit):
            return famulus.Preview()
        return famulus.Arrival(worker_name=who, reference=visit)

    def completion(
        self, visit: famulus.VisitView, outcome: famulus.VisitOutcome
    ) -> famulus.Completion:
        if outcome is famulus.VisitOutcome.COMPLETED:
            return famulus.ShowCode(code=self.args.code)
        return famulus.Nothing()


@famulus.hookimpl
def famulus_register_providers() -> list[type[famulus.Provider]]:
    return [Visitors]
