"""Amos et al. 2020: SAC-SVG(H)."""

TITLE = "Amos et al. 2020"
ORDER = 2
"""The place of this work in lists and reports."""
