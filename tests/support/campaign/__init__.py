"""Runs whose processes are killed at random moments, and the checks of the remaining state.

Everything is chosen from a seed: the victims, the moments, the workers' pauses. Processes are as
fast as the machine lets them be, so a seed repeats the choices, not each interleaving.
"""

from __future__ import annotations

from campaign.cases import DATABASES, Case, cases
from campaign.rounds import RoundFailedError

__all__ = ["DATABASES", "Case", "RoundFailedError", "cases"]
