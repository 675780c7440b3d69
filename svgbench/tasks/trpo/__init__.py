"""The tasks of Schulman 2016, chapter 3 (TRPO), which chapter 4 uses too."""
