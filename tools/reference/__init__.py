"""The pages of ``docs/reference`` and ``docs/commands.md``, made from the code.

``python -m tools.reference`` writes them; with ``--check`` it says which are not what it would
write.
"""
