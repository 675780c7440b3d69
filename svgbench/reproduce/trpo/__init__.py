"""Schulman 2016, chapter 3: trust region policy optimization."""

TITLE = "Schulman 2016, chapter 3"
