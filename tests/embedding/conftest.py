from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

import pytest

EXAMPLE = Path(__file__).parents[2] / "sdk_examples" / "embedding"

#: Does one unit at an entrance as a browser without JavaScript would, and returns its task page.
Work = Callable[..., str]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example that a program may write into."""
    ignored = shutil.ignore_patterns("__pycache__", "*.db*")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "embedding", ignore=ignored))


@pytest.fixture
def work() -> Work:
    def do_one(url: str, worker: str, visit: str, **answers: str) -> str:
        query = urlencode({"worker_id": worker, "assignment_id": visit})
        with urlopen(f"{url}?{query}") as response:
            page: str = response.read().decode()
        hidden = re.findall(r'name="(famulus_\w+)" value="([^"]+)"', page)
        form = urlencode([*hidden, *answers.items()]).encode()
        (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page)
        with urlopen(urljoin(url, action), data=form) as response:
            assert response.status == 200
        return page

    return do_one
