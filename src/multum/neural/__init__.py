"""Trained programs: networks that predict the next byte or token, and what reads and writes them."""
