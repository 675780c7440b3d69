"""Figures, tables and words for a person. Nothing is judged here."""
