"""What the parts say to each other, without behaviour: experiments and searches as data, the protocols of tasks and
learners, differences from a paper, and errors."""
