"""Somebody else's package: a task, a learner and an experiment, found through entry points."""
