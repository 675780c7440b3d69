"""Amos et al. 2020: SAC-SVG(H)."""

TITLE = "Amos et al. 2020"
