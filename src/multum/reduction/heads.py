"""Heads of networks: what predicts words is worth more than its share of the weights."""

from typing import Any


def find_head(module: Any) -> Any:
    """Return the layer that a network of transformers predicts words with, None where there is none."""
    find = getattr(module, "get_output_embeddings", None)
    return None if find is None else find()
