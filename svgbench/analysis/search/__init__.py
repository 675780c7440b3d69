"""The choices of a search for a setting, as data, text and a figure."""
