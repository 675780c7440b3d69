"""Schulman 2016, chapter 5: gradient estimation using stochastic computation graphs."""

TITLE = "Schulman 2016, chapter 5"
