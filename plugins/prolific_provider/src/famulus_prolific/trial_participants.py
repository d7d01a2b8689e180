"""Test participants: a requester's own accounts, which see only test studies and cost nothing."""

from __future__ import annotations

import famulus
from famulus import UnavailableError
from famulus_prolific.api import CallLostError, ProlificApi, ProlificRefusedError


def make_test_participant(api: ProlificApi, email: str) -> str:
    """Return the id of a new test participant.

    :raises famulus.UnavailableError: when Prolific does not answer; the error says whether the
        participant may have been created.
    :raises famulus.RefusedError: when Prolific refuses; the error names the requirements.
    """
    try:
        made = api.post("researchers/participants/", {"email": email})
        return str(made["participant_id"])
    except CallLostError as error:
        if not error.maybe_done:
            raise
        raise UnavailableError(
            f"{error}; the test participant may have been made: ask for a new password of {email} "
            "on Prolific before you repeat this"
        ) from error
    except ProlificRefusedError as error:
        raise famulus.RefusedError(
            f"{error}; a test participant needs a workspace for which Prolific has enabled them, "
            "and an address that it does not know yet"
        ) from error
