"""Clavera, Fu and Abbeel 2020: model-augmented actor-critic, backpropagating through paths."""

TITLE = "Clavera et al. 2020"
ORDER = 3
"""The place of this work in lists and reports."""
