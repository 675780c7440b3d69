"""What a search for a setting chose, as data, text and a figure."""
