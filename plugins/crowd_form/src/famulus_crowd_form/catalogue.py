"""The catalogue of this package's texts for workers."""

from __future__ import annotations

from famulus import Catalogue

CATALOGUE = Catalogue("famulus_crowd_form")
_, _n = CATALOGUE.text, CATALOGUE.plural
