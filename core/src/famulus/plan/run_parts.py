"""The plugins of a run, constructed in one place and only when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from attrs import frozen

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import Context, RequesterView
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.contracts.qualification_check import QualificationCheck
from famulus.errors import as_plugin_error
from famulus.model.database import Database
from famulus.plan.check_options import chosen_checks
from famulus.plugins import Plugins

Part = TypeVar("Part", Blueprint, Architect, Provider, QualificationCheck)


@frozen(kw_only=True, eq=False, slots=False)
class RunParts:
    """The blueprint, architect, provider and checks of a plan.

    Each is constructed once, at its first use, so that a command which needs only the provider
    never constructs the architect. All share one context.

    :raises famulus.PluginError: at the first use of a part whose plugin is not installed, or whose
        constructor raises.
    """

    database: Database
    plugins: Plugins
    plan: Plan
    #: who pays; None if that is not known yet
    requester: RequesterView | None = None
    #: None while the plan is only being checked
    run_id: int | None = None

    @cached_property
    def context(self) -> Context:
        """The context that all parts share."""
        return Context(
            database=self.database,
            clock=self.database.clock,
            shared_state=self.plan.shared_state,
            requester=self.requester,
            run_id=self.run_id,
        )

    @cached_property
    def blueprint_class(self) -> type[Blueprint]:
        """The class of the blueprint."""
        return self.plugins.blueprint(self.plan.blueprint.type)

    @cached_property
    def architect_class(self) -> type[Architect]:
        """The class of the architect."""
        return self.plugins.architect(self.plan.architect.type)

    @cached_property
    def provider_class(self) -> type[Provider]:
        """The class of the provider."""
        return self.plugins.provider(self.plan.provider.type)

    @cached_property
    def blueprint(self) -> Blueprint:
        """The blueprint."""
        return _construct("blueprint", self.blueprint_class, self.plan.blueprint.args, self.context)

    @cached_property
    def architect(self) -> Architect:
        """The architect."""
        return _construct("architect", self.architect_class, self.plan.architect.args, self.context)

    @cached_property
    def provider(self) -> Provider:
        """The provider, for the account of the requester."""
        return _construct("provider", self.provider_class, self.plan.provider.args, self.context)

    @cached_property
    def checks(self) -> Sequence[QualificationCheck]:
        """Every installed qualification check, with the run's options for it.

        :raises famulus.UsageError: when the run names a check that is not installed, or sets an
            option that a check does not have.
        """
        chosen = chosen_checks(self.plan, self.plugins)
        return [_construct("check", check, args, self.context) for check, args in chosen]


def account_provider(
    database: Database, cls: type[Provider], args: Any, requester: RequesterView | None
) -> Provider:
    """Construct a provider for an account, without a run.

    :param args: an instance of the provider's ``Args`` class.
    :param requester: None for an account that is not registered yet.
    :raises famulus.PluginError: when the provider raises.
    """
    context = Context(
        database=database,
        clock=database.clock,
        shared_state=SharedTaskState(),
        requester=requester,
    )
    return _construct("provider", cls, args, context)


def _construct(kind: str, cls: type[Part], args: Any, context: Context) -> Part:
    with as_plugin_error(f"the {kind} {cls.type!r} cannot be constructed"):
        return cls(args, context)
