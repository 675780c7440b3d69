"""From frames to verdicts: statistics, levels, claims, rivals, and two results folders against each other."""
