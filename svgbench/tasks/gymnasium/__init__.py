"""Environments of gymnasium's, as tasks."""
