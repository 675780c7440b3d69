"""The tasks of Heess et al. 2015."""
