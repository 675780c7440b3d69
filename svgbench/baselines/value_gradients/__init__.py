"""The algorithms of Heess et al. 2015, and what they are compared with there."""
