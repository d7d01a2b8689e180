"""temporary"""
from famulus.config.reading import configuration_from_mapping, read_configuration
from famulus.operate.planning import draft_plan
from famulus.operate.stored_plan import plan_from_stored, stored_plan
def stored_callbacks(stored): return list(stored["shared_state"]["callbacks"])
from famulus.operate.planning import Draft
EVERYTHING = frozenset({"blueprint", "architect", "provider", "task"})
