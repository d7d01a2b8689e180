"""The account: who it belongs to, its workspace and project, its currency and its balance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from famulus import UsageError
from famulus_prolific.api import ProlificApi
from famulus_prolific.wages import major

#: Workspaces are listed with a limit, which Prolific asks for.
_MOST = 100


def read_account(api: ProlificApi, *, workspace: str | None, project: str | None) -> dict[str, Any]:
    """Return what is stored of an account: its id, currency, workspace and project.

    :param workspace: the id of a workspace; None for the only one.
    :param project: the id of a project in it; None for the workspace's own choice.
    :raises famulus.UsageError: when the account has no such workspace or project, or several and
        none is named.
    """
    owner = api.get("users/me/")
    found = _workspaces(api)
    chosen = _chosen("workspace", workspace, found)
    settings = {
        "account": str(owner["id"]),
        "currency": str(owner.get("currency_code") or "GBP"),
        "workspace": chosen,
    }
    if project is not None:
        _chosen("project", project, _named(api.pages(f"workspaces/{chosen}/projects/")))
        settings["project"] = project
    return settings


def find_workspace(api: ProlificApi) -> str:
    """Return the id of the account's only workspace.

    :raises famulus.UsageError: when it has several, or none.
    """
    return _chosen("workspace", None, _workspaces(api))


def read_balance(api: ProlificApi, workspace: str) -> Decimal:
    """Return what a workspace can spend now, which excludes what is held for its studies."""
    found = api.get(f"workspaces/{workspace}/balance/")
    return major(found["available_balance"])


def _workspaces(api: ProlificApi) -> Mapping[str, str]:
    return _named(api.pages("workspaces/", limit=_MOST))


def _named(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(row["id"]): str(row.get("title") or "") for row in rows}


def _chosen(kind: str, wanted: str | None, found: Mapping[str, str]) -> str:
    listed = ", ".join(f"{key} ({title})" if title else key for key, title in found.items())
    if wanted is not None:
        if wanted not in found:
            raise UsageError(f"the account has no {kind} {wanted!r}; it has {listed or 'none'}")
        return wanted
    if len(found) != 1:
        raise UsageError(f"name the {kind}, as {kind}=ID: the account has {listed or 'none'}")
    return next(iter(found))
