"""Soft actor-critic and what is built on it: Amos et al. 2020, and Clavera et al. 2020's gradient."""
