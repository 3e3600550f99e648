"""Scaling laws: forms that are fitted to runs, doubted, and planned with."""
