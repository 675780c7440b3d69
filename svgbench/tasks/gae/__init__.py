"""The tasks of Schulman 2016, chapter 4 (GAE)."""
