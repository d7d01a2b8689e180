"""When a blueprint is right: a class to inherit from in its tests."""

from __future__ import annotations

from famulus.testing.conformance.data_rules import BlueprintDataRules
from famulus.testing.conformance.page_rules import BlueprintPageRules
from famulus.testing.conformance.run_rules import BlueprintRunRules


class BlueprintConformance(BlueprintDataRules, BlueprintPageRules, BlueprintRunRules):
    """Inherit from this in a test module; name the class and describe a configuration::

        class TestMyTask(BlueprintConformance):
            blueprint = MyBlueprint

            def configuration(self, tmp_path): ...

            def broken_configurations(self, tmp_path): ...

    Every failing test says in a sentence which rule of the contract is broken.
    """
