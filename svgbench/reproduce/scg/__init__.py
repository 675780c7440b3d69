"""Schulman 2016, chapter 5: gradient estimation using stochastic computation graphs."""

TITLE = "Schulman 2016, chapter 5"
ORDER = 6
"""The place of this work in lists and reports."""
