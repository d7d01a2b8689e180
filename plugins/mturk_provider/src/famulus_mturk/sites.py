"""MTurk's sites for workers: their origins, and the addresses of previews and submissions."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

_LIVE = "https://worker.mturk.com"
_SANDBOX = "https://workersandbox.mturk.com"
#: Submissions of the live site go to this origin as well.
_LIVE_TOO = "https://www.mturk.com"
_SUBMIT_PATH = "/mturk/externalSubmit"


def worker_origins(*, sandbox: bool, worker_site: str | None) -> Sequence[str]:
    """Return the origins that may show a page in a frame and take its submission."""
    if worker_site:
        return (origin(worker_site),)
    return (_SANDBOX,) if sandbox else (_LIVE, _LIVE_TOO)


def preview_url(group: str, *, sandbox: bool, worker_site: str | None) -> str:
    """Return the address of the preview of a group of HITs."""
    place = worker_origins(sandbox=sandbox, worker_site=worker_site)[0]
    return f"{place}/mturk/preview?groupId={group}"


def accepted_url(origins: Sequence[str], *, group: str, hit: str, assignment: str) -> str:
    """Return the address of the page of an accepted HIT, where its worker can return it.

    :param group: the id of the HIT's group. If ``group`` or ``hit`` is empty, return the address of
        the worker's queue, which lists all HITs that the worker has accepted.
    """
    if not (group and hit):
        return f"{origins[0]}/tasks"
    project, task = quote(group, safe=""), quote(hit, safe="")
    return (
        f"{origins[0]}/projects/{project}/tasks/{task}?assignment_id={quote(assignment, safe='')}"
    )


def submit_url(given: str, origins: Sequence[str]) -> str:
    """Return the address that a worker's browser submits to.

    :param given: the origin that MTurk has passed, or an address on it.
    """
    place = origin(given) if is_among(given, origins) else origins[0]
    return place + _SUBMIT_PATH


def is_among(url: str, origins: Sequence[str]) -> bool:
    """Return whether an address, valid or not, is on one of these origins."""
    try:
        return origin(url) in origins
    except ValueError:
        return False


def origin(url: str) -> str:
    """Return the scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
