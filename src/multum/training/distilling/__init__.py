"""A smaller program that learns from a larger one, as a run folder of its own."""
