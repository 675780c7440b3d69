"""Heess et al. 2015: stochastic value gradients."""

TITLE = "Heess et al. 2015"
ORDER = 1
"""The place of this work in lists and reports."""
