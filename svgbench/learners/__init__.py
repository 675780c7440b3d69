"""The loops that the lab drives, and what they share: blocks of seeds, costs, limits, draws."""
