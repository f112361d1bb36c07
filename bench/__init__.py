"""Measurements: how fast, how calm, and whether what is promised holds under load."""
