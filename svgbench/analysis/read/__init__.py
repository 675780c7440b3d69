"""From files to frames: our own measurements, and other people's CSVs."""
