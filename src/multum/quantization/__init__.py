"""Weights as integers: what errors cost, and rounding that lets later weights make good for earlier ones."""
