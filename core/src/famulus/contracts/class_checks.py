"""The checks of a plugin's class before it is registered."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.blueprint_args import BlueprintArgs, OnboardingArgs
from famulus.contracts.provider import Provider
from famulus.errors import PluginError

#: How near a name has to be to one of core's options to be taken for a misspelt one.
_NEAR = 0.9
#: Methods are called with positional arguments.
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
#: Methods of earlier contracts that are no longer called, and those that replace them.
_REPLACED: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "is_alive": ("health",),
        "open_places": ("set_places",),
        "close_places": ("pause_places", "end_places"),
    }
)
#: The option that core finds by name on the classes of a contract, and its short forms.
_FOUND_BY_NAME: Mapping[type[Any], tuple[str, Sequence[str]]] = MappingProxyType(
    {Architect: ("public_url", ()), Provider: ("requester_name", ("requester",))}
)
#: What a blueprint with an onboarding overrides.
_ONBOARDING = ("onboarding_page", "onboarding_passed")


def check_class(cls: Any, contract: type[Any], hook: str) -> None:
    """Check a class that a hook has returned.

    :raises famulus.PluginError: with what to change in the class.
    """
    if not (inspect.isclass(cls) and issubclass(cls, contract)):
        raise PluginError(f"{hook} returned {cls!r}, not a subclass of {contract.__name__}")
    fault = _fault(cls, contract)
    if fault:
        raise PluginError(fault)
    if not isinstance(getattr(cls, "type", None), str):
        raise PluginError(f'{cls.__name__} has no type name; set type = "…" in the class')
    args = getattr(cls, "Args", type(None))
    if not attrs.has(args):
        raise PluginError(f"{cls.__name__} has no attrs class Args")
    if contract in _FOUND_BY_NAME:
        _check_found_by_name(args, *_FOUND_BY_NAME[contract])
    if issubclass(cls, Blueprint):
        _check_blueprint(cls)
    if issubclass(cls, Provider):
        _check_provider(cls)


def _check_provider(cls: type[Provider]) -> None:
    if not _is_positive(cls.batch_size):
        raise PluginError(
            f"{cls.__name__}.batch_size is {cls.batch_size!r}; set it to the most items that one "
            "call may have, a whole number from 1"
        )
    bounds = cls.capabilities.partial_approvals
    if bounds is not None and not 0 < bounds.smallest <= bounds.largest < 1:
        raise PluginError(
            f"{cls.__name__}.capabilities.partial_approvals is from {bounds.smallest} to "
            f"{bounds.largest}; set shares of a reward that are more than 0 and less than 1"
        )
    if cls.capabilities.days_before_rejection and not cls.capabilities.requests_return:
        raise PluginError(
            f"{cls.__name__}.capabilities.days_before_rejection counts from a requested return; "
            "set requests_return too"
        )


def _is_positive(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


def _fault(cls: type[Any], contract: type[Any]) -> str:
    """Return one sentence with everything to change in a class that breaks the contract."""
    changes = [*_changes(cls, contract)]
    name, number = f"famulus.{contract.__name__}", contract.contract
    if cls.contract == number:
        if not changes:
            return ""
        return f"{cls.__name__} does not follow contract {number} of {name}: {', '.join(changes)}"
    written = f"{cls.__name__} is for contract {cls.contract!r} of {name}, and this is {number}"
    if isinstance(cls.contract, int) and cls.contract > number:
        return f"{written}: install the version of famulus that it needs"
    return f"{written}: {', '.join([*changes, f'set contract = {number}'])}"


def _changes(cls: type[Any], contract: type[Any]) -> Iterator[str]:
    """Yield what to change in a class so that its methods can be called as the contract says."""
    replacing: set[str] = set()
    for old, new in _REPLACED.items():
        if not (hasattr(cls, old) and hasattr(contract, new[0])) or _has_own(cls, contract, new):
            continue
        replacing.update(new)
        calls = " and ".join(_call(each, getattr(contract, each)) for each in new)
        yield f"change {old} to {calls}"
    for name, own in _members(contract):
        if inspect.isfunction(own):
            lacking = name in cls.__abstractmethods__ and name not in replacing
            change = f"add {_call(name, own)}" if lacking else _method_change(cls, name, own)
        else:
            change = _attribute_change(cls, name)
        if change:
            yield change
    # Those of a class between the contract and this one.
    yield from (f"add {name}" for name in sorted(cls.__abstractmethods__ - set(vars(contract))))


def _has_own(cls: type[Any], contract: type[Any], names: Sequence[str]) -> bool:
    """Return whether a class overrides one of the methods."""
    return any(_static(cls, name) is not _static(contract, name) for name in names)


def _members(contract: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and attributes of a contract; an attribute may have no value."""
    for name in dict.fromkeys([*vars(contract), *contract.__annotations__]):
        if not name.startswith("_"):
            yield name, vars(contract).get(name)


def _method_change(cls: type[Any], name: str, method: Callable[..., Any]) -> str:
    """Return what to change so that a method can be called like the contract's, or nothing.

    Its parameters have the contract's names, in that order.
    """
    own = _static(cls, name)
    if own is method:
        return ""
    if isinstance(own, property) or not callable(getattr(cls, name)):
        return f"make {name} a method, {_call(name, method)}"
    if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
        return f"define {name} without async, since threads call it"
    if not inspect.isfunction(own) or _has_parameters_of(own, method):
        return ""
    if _fits(_parameters(own), [each.name for each in _parameters(method)]):
        return ""
    return f"change {_call(name, own)} to {_call(name, method)}"


def _attribute_change(cls: type[Any], name: str) -> str:
    """Return what to change if an attribute is a method: it would always count as true."""
    is_method = inspect.isfunction(_static(cls, name))
    return f"make {name} an attribute, or put @property above it" if is_method else ""


def _static(cls: type[Any], name: str) -> Any:
    """Return an attribute as it stands in a class or a base of it; None if it has no value.

    Does the same as :func:`inspect.getattr_static` for classes, at a tenth of its cost.
    """
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _has_parameters_of(own: Callable[..., Any], method: Callable[..., Any]) -> bool:
    """Return whether two methods plainly have the same parameters, all of them positional.

    Most methods do, and comparing signatures takes thirty times as long.
    """
    names = _names_of(method)
    return names is not None and names == _names_of(own) and not hasattr(own, "__wrapped__")


def _names_of(method: Callable[..., Any]) -> Sequence[str] | None:
    """Return the names of a method's parameters; None if it has keyword-only or ``*`` ones."""
    code = method.__code__
    if code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    return code.co_varnames[1 : code.co_argcount]


def _call(name: str, method: Callable[..., Any]) -> str:
    return f"{name}{_listed(_parameters(method))}"


def _fits(found: Sequence[inspect.Parameter], wanted: Sequence[str]) -> bool:
    """Return whether a method with the found parameters can replace the contract's method.

    Further parameters may follow if they have defaults, and the name of an unused one may begin
    with an underscore.
    """
    named = [each for each in found if each.kind in _POSITIONAL]
    by_keyword = [each for each in found if each.kind is inspect.Parameter.KEYWORD_ONLY]
    if any(each.default is inspect.Parameter.empty for each in by_keyword):
        return False
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in found):
        return True
    needed = [each for each in named[len(wanted) :] if each.default is inspect.Parameter.empty]
    return not needed and [each.name.lstrip("_") for each in named[: len(wanted)]] == wanted


def _parameters(method: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    """Return the parameters of a method after ``self``; all of them if the first is ``*args``."""
    found = [*inspect.signature(method).parameters.values()]
    return found if found and found[0].kind in _ANY_NUMBER else found[1:]


def _listed(parameters: Sequence[inspect.Parameter]) -> str:
    return str(inspect.Signature([inspect.Parameter(each.name, each.kind) for each in parameters]))


def _check_blueprint(cls: type[Blueprint]) -> None:
    args, name = cls.Args, cls.__name__
    if not issubclass(args, BlueprintArgs):
        raise PluginError(
            f"{name}.Args has to be a subclass of famulus.BlueprintArgs, which declares "
            f"{', '.join(_names(BlueprintArgs))}"
        )
    if "__attrs_attrs__" not in vars(args):
        raise PluginError(f"{args.__name__} lacks its decorator @attrs.frozen(kw_only=True)")
    _check_names(args)
    has_onboarding = cls.has_onboarding is not Blueprint.has_onboarding
    if has_onboarding and not issubclass(args, OnboardingArgs):
        raise PluginError(
            f"{name} has an onboarding, so {name}.Args has to be a subclass of "
            "famulus.OnboardingArgs, which declares onboarding_qualification"
        )
    if issubclass(args, OnboardingArgs) and not has_onboarding:
        raise PluginError(
            f"{name}.Args is a subclass of famulus.OnboardingArgs, but {name} has no onboarding; "
            "override has_onboarding, or subclass famulus.BlueprintArgs"
        )
    lacking = [each for each in _ONBOARDING if getattr(cls, each) is getattr(Blueprint, each)]
    if has_onboarding and lacking:
        raise PluginError(f"{name} has an onboarding and lacks {', '.join(lacking)}")


def _check_names(args: type[BlueprintArgs]) -> None:
    """Refuse options with a misspelt name of core, and options that need another base class."""
    known = _names(OnboardingArgs)
    inherited = set(_names(OnboardingArgs if issubclass(args, OnboardingArgs) else BlueprintArgs))
    for option in _names(args):
        near = difflib.get_close_matches(option, known, n=1, cutoff=_NEAR)
        if option in inherited or not near:
            continue
        if option in known:
            raise PluginError(
                f"{args.__name__} declares {option}; subclass famulus.OnboardingArgs, which has it"
            )
        raise _misspelt(args, option, near[0])


def _check_found_by_name(args: type[Any], wanted: str, short: Sequence[str]) -> None:
    """Refuse an option with a name that resembles the wanted one, which core would not find."""
    names = _names(args)
    if wanted in names:
        return
    near = [each for each in names if each in short]
    near += difflib.get_close_matches(wanted, names, n=1, cutoff=_NEAR)
    if near:
        raise _misspelt(args, near[0], wanted)


def _misspelt(args: type[Any], option: str, meant: str) -> PluginError:
    return PluginError(
        f"{args.__name__} has the option {option!r}; did you mean {meant!r}, which has a "
        "meaning for Famulus? Choose another name otherwise"
    )


def _names(args: type[Any]) -> list[str]:
    return [field.alias or field.name for field in attrs.fields(args)]
