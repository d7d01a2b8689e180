"""The account: its owner, its workspace and project, its currency and its balance."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from famulus import UsageError
from famulus_prolific.api import ProlificApi
from famulus_prolific.wages import major

_log = logging.getLogger(__name__)

#: Workspaces are listed with a limit, which Prolific asks for.
_MOST = 100


def read_account(api: ProlificApi, *, workspace: str | None, project: str | None) -> dict[str, Any]:
    """Return the data of an account to store: its id, currency, workspace and project.

    :param workspace: the id of a workspace; None for the only one.
    :param project: the id of a project in it; None for the only one.
    :raises famulus.UsageError: when the account does not have the named workspace or project, or
        when none is named and there is not exactly one. Exception: without a named project, an
        account with a single workspace gets None as its project, and Prolific chooses one.
    """
    owner = api.get("users/me/")
    found = _workspaces(api)
    chosen = _chosen("workspace", workspace, found)
    return {
        "account": str(owner["id"]),
        "currency": str(owner.get("currency_code") or "GBP"),
        "workspace": chosen,
        "project": _project(api, chosen, project, is_only=len(found) == 1),
    }


def _project(api: ProlificApi, workspace: str, wanted: str | None, *, is_only: bool) -> str | None:
    """Return the project of an account's studies; None if Prolific chooses it.

    The project determines the workspace of a study, so Prolific is left to choose the project only
    in an account with a single workspace.
    """
    found = _named(api.pages(f"workspaces/{workspace}/projects/"))
    if wanted is None and is_only and len(found) != 1:
        _log.warning(
            "the workspace has these projects: %s; Prolific chooses one for your studies, unless "
            "you register the requester again with project=ID",
            _listed(found),
        )
        return None
    return _chosen("project", wanted, found)


def find_workspace(api: ProlificApi) -> str:
    """Return the id of the account's only workspace.

    :raises famulus.UsageError: when it has several, or none.
    """
    return _chosen("workspace", None, _workspaces(api))


def read_balance(api: ProlificApi, workspace: str) -> Decimal:
    """Return what a workspace can spend now, without the money that is held for its studies."""
    found = api.get(f"workspaces/{workspace}/balance/")
    return major(found["available_balance"])


def _workspaces(api: ProlificApi) -> Mapping[str, str]:
    return _named(api.pages("workspaces/", limit=_MOST))


def _named(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(row["id"]): str(row.get("title") or "") for row in rows}


def _chosen(kind: str, wanted: str | None, found: Mapping[str, str]) -> str:
    if wanted is not None:
        if wanted not in found:
            raise UsageError(f"the account has no {kind} {wanted!r}; it has {_listed(found)}")
        return wanted
    if len(found) != 1:
        raise UsageError(f"name the {kind}, as {kind}=ID: the account has {_listed(found)}")
    return next(iter(found))


def _listed(found: Mapping[str, str]) -> str:
    texts = (f"{key} ({title})" if title else key for key, title in found.items())
    return ", ".join(texts) or "none"
