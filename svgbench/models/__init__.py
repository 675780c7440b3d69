"""Learned dynamics, batched over seeds."""
