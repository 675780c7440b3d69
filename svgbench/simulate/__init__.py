"""Policies in simulations: how they act, whole episodes and paths, batches of steps, trials of final policies."""
