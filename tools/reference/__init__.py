"""The pages of ``docs/reference`` and ``docs/commands.md``, made from the code.

``python -m tools.reference`` writes them; with ``--check`` it lists those that are out of date.
"""
