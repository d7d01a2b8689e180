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


@pytest.mark.parametrize(
    ("role", "type_name"),
    [("blueprint", "rows"), ("architect", "nowhere"), ("provider", "crowd")],
)
def test_a_plugin_that_cannot_be_constructed_is_one_of_the_problems(
    operator: ManualOperator, role: str, type_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, args: object, context: object) -> None:
        raise OSError("no key file")

    cls = getattr(operator.plugins, role)(type_name)
    monkeypatch.setattr(cls, "__init__", broken)
    configuration = rows_configuration(public_url="tasks.example.org", max_spend="0.001")

    with pytest.raises(UsageError) as caught:
        operator.check(configuration, shared_state=RowsState(rows=[{"n": 1}]))

    text = str(caught.value)
    assert f"the {role} {type_name!r} cannot be constructed: OSError: no key file" in text
    assert "'tasks.example.org' is not an address" in text
