"""Search over actions or parameters by sampling: what planners and parameter search share."""
