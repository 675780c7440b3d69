"""Measurements of speed, each as a ratio against a peer or a limit taken in the same run."""
