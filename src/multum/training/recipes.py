"""What the dial derives for training: batch, window, rates.

Rates are those of muP and of the spectral condition: Muon's is per unit of a layer's output and AdamW's per unit of an
embedding, so neither changes with the width; the head, whose inputs add up over the width, has its rate divided by it.
Only the batch grows, slowly, with the program: a larger one is trained for longer, and late in a training more bytes
a step lose less.
Source: Yang et al. 2022 (muP); Yang, Simon, Bernstein 2023; McCandlish et al. 2018, "An empirical model of large-batch
training" (the batch).
"""

from dataclasses import dataclass

# Measured at a million parameters, docs/fit.md tells how.
MUON_RATE = 0.02
ADAMW_RATE = 1e-2
DECAY = 0.7
WEIGHT_DECAY = 0.1
WINDOW = 256
_BATCH_BYTES = 4096
_MOST_BATCH_BYTES = 1 << 19
# Bytes of a micro batch on a CPU: its activations stay near the core.
MICRO_BYTES = 2048


@dataclass(frozen=True)
class Recipe:
    """window, batch: bytes. muon_rate, adamw_rate: peaks."""

    window: int
    batch: int
    muon_rate: float
    adamw_rate: float
    weight_decay: float


def derive_recipe(parameters: int, data_bytes: int) -> Recipe:
    """Return how to train a program of so many parameters on so much data."""
    batch = _BATCH_BYTES * max(1.0, parameters / 1e6) ** 0.5
    batch = min(batch, _MOST_BATCH_BYTES, max(WINDOW, data_bytes / 8))
    return Recipe(WINDOW, max(1, round(batch / WINDOW)) * WINDOW, MUON_RATE, ADAMW_RATE, WEIGHT_DECAY)
