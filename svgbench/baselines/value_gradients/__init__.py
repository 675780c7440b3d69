"""The algorithms of Heess et al. 2015 and the baselines of that paper."""
