"""Policies in simulations: acting, whole episodes and paths, batches of steps, trials of final policies."""
