"""Runs that follow a known law, as a user would have them in a table."""

from typing import Any

import numpy as np

from multum.laws.jets import Array

CHINCHILLA = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.37}


def make_grid(sizes: int = 6, amounts: int = 6) -> tuple[Array, Array]:
    """Return N and D of every pair of sizes and amounts of data."""
    n, d = np.meshgrid(np.geomspace(1e7, 3e9, sizes), np.geomspace(3e8, 1e11, amounts))
    return n.ravel(), d.ravel()


def say_chinchilla(n: Array, d: Array, **changed: float) -> Array:
    """Return the loss that a law of this form says."""
    p = CHINCHILLA | changed
    loss: Array = p["E"] + p["A"] / n ** p["alpha"] + p["B"] / d ** p["beta"]
    return loss


def make_runs(
    noise: float = 0.003, seed: int = 0, sizes: int = 6, amounts: int = 6, **changed: float
) -> dict[str, Any]:
    """Return a table of runs around a law, with multiplicative noise."""
    n, d = make_grid(sizes, amounts)
    scatter = np.exp(np.random.default_rng(seed).normal(0.0, noise, len(n)))
    return {"params": n, "tokens": d, "loss": say_chinchilla(n, d, **changed) * scatter}


def make_byte_runs(noise: float = 0.002) -> dict[str, Any]:
    """Return runs of programs over bytes, as `fit` tells them."""
    n, d = (one.ravel() for one in np.meshgrid(np.geomspace(1e4, 1e6, 6), np.geomspace(1e6, 1e8, 6)))
    scatter = np.exp(np.random.default_rng(3).normal(0.0, noise, len(n)))
    return {"parameters": n, "bytes": d, "bpb": (1.1 + 15 / n**0.3 + 200 / d**0.4) * scatter}
