"""Past experience: replay of single transitions and of windows, and the statistics that scale observations."""
