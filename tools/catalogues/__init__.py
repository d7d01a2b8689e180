"""Catalogues of the texts that workers read: extracted from the sources, merged and compiled."""
