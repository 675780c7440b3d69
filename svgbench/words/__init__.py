"""Definitions that all parts share, without behaviour: experiments and searches as data, the protocols of tasks and
learners, differences from a paper, and errors."""
