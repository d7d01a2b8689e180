"""The catalogue of core's own texts for workers."""

from __future__ import annotations

from famulus.translation import Catalogue

CATALOGUE = Catalogue("famulus")
_ = CATALOGUE.text
_n = CATALOGUE.plural
