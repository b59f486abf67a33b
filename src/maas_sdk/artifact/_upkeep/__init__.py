"""Stores over the years: what nothing needs, what is damaged, and how it is repaired."""
