"""Schulman 2016, chapter 3: trust region policy optimization."""

TITLE = "Schulman 2016, chapter 3"
ORDER = 4
"""The place of this work in lists and reports."""
