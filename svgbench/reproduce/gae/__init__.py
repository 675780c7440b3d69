"""Schulman 2016, chapter 4: generalized advantage estimation."""

TITLE = "Schulman 2016, chapter 4"
ORDER = 5
"""The place of this work in lists and reports."""
