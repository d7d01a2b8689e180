"""What core itself checks of a configuration, whichever plugins it names."""

from __future__ import annotations

import pytest

from famulus.errors import UsageError
from famulus.testing.inprocess import ManualOperator, rows_configuration
from famulus.testing.kinds import RowsState


@pytest.mark.parametrize(
    "url",
    [
        "tasks.example.org",
        "ftp://tasks.example.org",
        "https://",
        "https://tasks.example.org:x",
        "https://tasks.example.org/?run=1",
        "https://tasks.example.org/#words",
    ],
)
def test_public_address_that_is_none_of_a_site_is_a_problem(
    operator: ManualOperator, url: str
) -> None:
    with pytest.raises(UsageError, match="is not an address such as") as caught:
        operator.check(rows_configuration(public_url=url), shared_state=RowsState(rows=[]))

    assert [problem.key for problem in caught.value.problems] == ["architect.public_url"]
    assert url in caught.value.problems[0].message
