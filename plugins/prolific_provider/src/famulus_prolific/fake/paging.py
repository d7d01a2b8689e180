"""Lists in pages, with links to the other pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import ApiReply, Request

_SIZE = 20
_LARGEST = 1000


def page(rows: Sequence[Any], request: Request) -> ApiReply:
    """Return the page of a list that the query asks for; a page past the end does not exist."""
    number, size = _whole(request, "page", 1), min(_whole(request, "page_size", _SIZE), _LARGEST)
    pages = max(1, -(-len(rows) // size))
    if number > pages:
        raise missing("Page", str(number))
    links = {
        "self": _link(request, number, "Current"),
        "next": _link(request, number + 1 if number < pages else None, "Next"),
        "previous": _link(request, number - 1 if number > 1 else None, "Previous"),
        "last": _link(request, pages, "Last"),
    }
    return ApiReply(
        body={
            "results": list(rows[(number - 1) * size : number * size]),
            "_links": links,
            "meta": {"count": len(rows)},
        }
    )


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise bad_request({name: [f"'{text}' is not a whole number above 0."]})
    return int(text)


def _link(request: Request, number: int | None, title: str) -> dict[str, str | None]:
    if number is None:
        return {"href": None, "title": title}
    query = urlencode({**request.query, "page": str(number)})
    return {"href": f"{request.url}?{query}", "title": title}
