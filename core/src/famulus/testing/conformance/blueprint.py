"""The conformance class of blueprints."""

from __future__ import annotations

from famulus.testing.conformance.answer_rules import BlueprintAnswerRules
from famulus.testing.conformance.data_rules import BlueprintDataRules
from famulus.testing.conformance.page_rules import BlueprintPageRules
from famulus.testing.conformance.run_rules import BlueprintRunRules


class BlueprintConformance(
    BlueprintDataRules, BlueprintPageRules, BlueprintAnswerRules, BlueprintRunRules
):
    """The rules of a blueprint, as tests: inherit from it in a test module.

    Name the class and describe a configuration::

        class TestMyTask(BlueprintConformance):
            blueprint = MyBlueprint

            def configuration(self, tmp_path): ...

            def broken_configurations(self, tmp_path): ...

    Each failing test names the rule of the contract that is broken.
    """
