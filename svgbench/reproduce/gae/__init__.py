"""Schulman 2016, chapter 4: generalized advantage estimation."""

TITLE = "Schulman 2016, chapter 4"
