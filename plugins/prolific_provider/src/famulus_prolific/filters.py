"""Prolific's own filters, as a requester gives them: who may see a run's study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import frozen

from famulus import FamulusError, Plan, Problem, SharedTaskState
from famulus_prolific.api import ProlificRefusedError

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.options import ProlificArgs

GROUP_ALLOW, GROUP_BLOCK = "participant_group_allowlist", "participant_group_blocklist"
#: The path at which the objects that a filter names by id are found, and their name.
_BY_ID: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        GROUP_ALLOW: ("participant-groups", "participant group"),
        GROUP_BLOCK: ("participant-groups", "participant group"),
        "previous_studies_allowlist": ("studies", "study"),
        "previous_studies_blocklist": ("studies", "study"),
    }
)
_OPTION = "provider.specific_qualifications"
_IN_PYTHON = "shared_state.prolific_specific_qualifications"
_VALUES, _RANGE = "selected_values", "selected_range"
#: Members of a filter that say what is selected.
_SELECTIONS = (_VALUES, _RANGE)
_BOUNDS = frozenset({"lower", "upper"})
#: How many choices of a filter a message lists.
_MOST_LISTED = 8


@frozen
class _Given:
    """One filter, and the key that it was given by."""

    key: str
    value: Any

    def problem(self, plan: Plan, message: str, *, warning: bool = False) -> Problem:
        """Return a problem of the filter."""
        return plan.problem(self.key, message, warning=warning)


def specific_filters(args: ProlificArgs, state: SharedTaskState) -> list[Any]:
    """Return the filters of the options and of a run script; participants have to fit them all."""
    return [each.value for each in _given(args, state)]


def joined_filters(
    given: Sequence[Mapping[str, Any]], own: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the filters of a study, each once: the given ones, and those for its qualifications.

    Prolific does not document what a repeated filter means. So groups that keep participants away
    are joined in one list. Of groups that admit participants, Prolific requires membership in one
    only. So only the given groups are named: qualifications are checked on arrival as well.
    """
    found = {each["filter_id"]: dict(each) for each in given}
    for each in own:
        name = each["filter_id"]
        if name not in found:
            found[name] = dict(each)
        elif name == GROUP_BLOCK:
            together = [*found[name].get(_VALUES, ()), *each[_VALUES]]
            found[name][_VALUES] = [*dict.fromkeys(together)]
    return [*found.values()]


def shape_problems(plan: Plan) -> Iterator[Problem]:
    """Yield a problem for each malformed or repeated filter, without a call to Prolific."""
    first: dict[str, str] = {}
    for each in _given(plan.provider.args, plan.shared_state):
        if not _is_filter(each.value):
            message = (
                "is not a filter of Prolific: a mapping of filter_id and one of "
                f"{', '.join(_SELECTIONS)}"
            )
            yield each.problem(plan, message)
            continue
        name = each.value["filter_id"]
        if name in first:
            yield each.problem(plan, f"the filter {name!r} is in {first[name]} too; give it once")
        first.setdefault(name, each.key)


def list_problems(api: Callable[[], ProlificApi], plan: Plan) -> Iterator[Problem]:
    """Yield a problem for each filter that Prolific's list lacks, or a warning if it is unreadable.

    :param api: reads the token and returns the client; called only if there are filters.
    """
    given = [
        each for each in _given(plan.provider.args, plan.shared_state) if _is_filter(each.value)
    ]
    if not given:
        return
    try:
        known = {str(each["filter_id"]): each for each in api().pages("filters/")}
    except FamulusError as error:
        message = f"the filters could not be compared with Prolific's list: {error}"
        yield given[0].problem(plan, message, warning=True)
        return
    for each in given:
        faults = [*_faults(each.value, known.get(each.value["filter_id"]))]
        for fault in faults:
            yield each.problem(plan, fault)
        if not faults:
            yield from _id_problems(api(), plan, each)


def _id_problems(api: ProlificApi, plan: Plan, given: _Given) -> Iterator[Problem]:
    """Yield a problem for each of a filter's ids that the account lacks; makes a call per id."""
    path, noun = _BY_ID.get(given.value["filter_id"], ("", ""))
    for each in given.value[_VALUES] if path else ():
        try:
            api.get(f"{path}/{quote(str(each), safe='')}/")
        except ProlificRefusedError as error:
            if error.is_missing:
                message = f"the account has no {noun} {each!r} on Prolific; give the id of one"
                yield given.problem(plan, message)
                continue
            yield given.problem(plan, f"the {noun} {each!r} cannot be used: {error}")
        except FamulusError as error:
            message = f"whether the account has the {noun} {each!r} cannot be checked now: {error}"
            yield given.problem(plan, message, warning=True)


def _given(args: ProlificArgs, state: SharedTaskState) -> Iterator[_Given]:
    """Yield all filters; a value that is not a list is skipped, since core reports it."""
    in_python = state.specific_qualifications.get("prolific")
    scripted = in_python if isinstance(in_python, (list, tuple)) else ()
    for key, values in ((_OPTION, args.specific_qualifications), (_IN_PYTHON, scripted)):
        for index, value in enumerate(values):
            yield _Given(f"{key}.{index}", value)


def _is_filter(given: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and isinstance(given.get("filter_id"), str)
        and sum(name in given for name in _SELECTIONS) == 1
    )


def _faults(given: Mapping[str, Any], known: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what is wrong with a filter, by its description in Prolific's list."""
    name = given["filter_id"]
    if known is None:
        yield f"Prolific has no filter {name!r}; `famulus prolific filters` lists them"
        return
    wanted = {"range": _RANGE, "select": _VALUES}.get(str(known.get("type")))
    if wanted is not None and wanted not in given:
        yield f"the filter {name!r} is a {known['type']}, and takes {wanted}"
    elif _RANGE in given:
        yield from _range_faults(name, given[_RANGE])
    elif not isinstance(given[_VALUES], (list, tuple)):
        yield f"{_VALUES} of the filter {name!r} has to be a list, not {given[_VALUES]!r}"
    else:
        yield from _choice_faults(name, given[_VALUES], known.get("choices") or {})


def _range_faults(name: str, selected: Any) -> Iterator[str]:
    if not isinstance(selected, Mapping) or not selected.keys() <= _BOUNDS:
        yield f"{_RANGE} of the filter {name!r} is a mapping of lower and upper, not {selected!r}"


def _choice_faults(name: str, values: Sequence[Any], choices: Mapping[str, str]) -> Iterator[str]:
    if not choices:
        return
    texts = [str(each) for each in values if not isinstance(each, str) and str(each) in choices]
    if texts:
        quoted = ", ".join(f'"{each}"' for each in texts)
        yield f"the choices of the filter {name!r} are texts; write {quoted} with the quotes"
    unknown = [str(each) for each in values if str(each) not in choices]
    if unknown:
        listed = ", ".join(f"{key} ({text})" for key, text in [*choices.items()][:_MOST_LISTED])
        more = ", …" if len(choices) > _MOST_LISTED else ""
        yield f"the filter {name!r} has no choice {', '.join(unknown)}; it has {listed}{more}"
