"""The rehearsal points the provider at a fake that answers."""

from __future__ import annotations

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.api import ProlificApi
from famulus_prolific.rehearsal import ProlificRehearsal


def test_the_token_of_a_rehearsal_is_accepted_at_its_address(clock: MovableClock) -> None:
    with ProlificRehearsal(clock) as rehearsal:
        token = rehearsal.environment["PROLIFIC_TOKEN"]
        api = ProlificApi(token or "", str(rehearsal.options["api_url"]))
        assert api.get("users/me/")["currency_code"] == "GBP"
        assert rehearsal.options["site_url"] == rehearsal.prolific.site_url
