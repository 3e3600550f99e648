"""Trained networks in integers: the same predictions on every machine, to the last bit."""
