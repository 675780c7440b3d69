"""Heess et al. 2015: stochastic value gradients."""

TITLE = "Heess et al. 2015"
