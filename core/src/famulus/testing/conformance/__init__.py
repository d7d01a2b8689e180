"""Conformance classes: the rules of each contract, as tests that a plugin's author inherits.

``architect``, ``blueprint``, ``check`` and ``provider`` hold the classes that
:mod:`famulus.testing` exports; the other modules hold code that these share.
"""
