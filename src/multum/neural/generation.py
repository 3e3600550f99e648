"""New tokens from a causal network: decode random bits, one token at a time, with a cache.

Invariant: tokens are a function of the network, the prompt, the settings and the seed. The
random numbers come from NumPy's generator, the same on every device.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multum.neural.loading import Loaded

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Settings:
    """How to draw. temperature: 0 takes the likeliest. top_p: the mass of the likeliest tokens drawn from."""

    temperature: float = 1.0
    top_p: float = 1.0


def draw_tokens(loaded: Loaded, prompt: list[int], window: int, settings: Settings, seed: int) -> Iterator[int]:
    """Yield tokens that go on after `prompt`, without end but for the program's own end token.

    When the window is full, its later half is read again and the rest forgotten. Without a
    prompt or start token the first is drawn uniformly.
    """
    chance = np.random.default_rng(seed)
    vocabulary = loaded.vocabulary
    usable = np.array([bool(piece) or token == vocabulary.end for token, piece in enumerate(vocabulary.pieces)])
    first = [] if vocabulary.start is None else [vocabulary.start]
    seen = (first + prompt[-(window - 1) :])[-window:]
    reader = _Reader(loaded)
    while True:
        if not seen:
            token = int(chance.choice([number for number, piece in enumerate(vocabulary.pieces) if piece]))
        else:
            if reader.length >= window:
                seen = first + seen[-(window // 2) :]
                reader = _Reader(loaded)
            token = draw(np.where(usable, reader.read(seen), -np.inf), settings, float(chance.random()))
        if token == vocabulary.end:
            return
        yield token
        seen.append(token)


class _Reader:
    """A network that has read some tokens and keeps what it needs of them."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded, self._cache, self.length = loaded, None, 0
        # Recurrent networks call their cache otherwise.
        self._slot = (
            "cache_params" if "cache_params" in signature(loaded.model.forward).parameters else "past_key_values"
        )

    def read(self, seen: list[int]) -> NDArray[np.float64]:
        """Return float64[V], the logits after `seen`, of which the first `length` were read before."""
        import torch

        fresh = torch.tensor([seen[self.length :]], device=self._loaded.device)
        kept: dict[str, Any] = {self._slot: self._cache}
        with torch.inference_mode():
            out = self._loaded.model(fresh, use_cache=True, logits_to_keep=1, **kept)
        self._cache, self.length = out[self._slot], len(seen)
        return _last_row(out.logits)


def _last_row(logits: "torch.Tensor") -> NDArray[np.float64]:
    found: NDArray[np.float64] = logits[0, -1].double().cpu().numpy()
    return found


def draw(logits: NDArray[np.float64], settings: Settings, chance: float) -> int:
    """Return the token whose share of the tempered, truncated distribution holds `chance` in [0, 1).

    Source of the truncation: Holtzman et al. 2020 (nucleus sampling).
    """
    if settings.temperature == 0:
        return int(np.argmax(logits))
    scaled = (logits - logits.max()) / settings.temperature
    weights = np.exp(scaled)
    order = np.argsort(-weights, kind="stable")
    mass = np.cumsum(weights[order])
    # the fewest tokens whose mass reaches top_p
    count = min(int(np.searchsorted(mass, settings.top_p * mass[-1])) + 1, len(mass))
    place = int(np.searchsorted(mass[:count], chance * mass[count - 1], side="right"))
    return int(order[min(place, count - 1)])  # rounding may reach the end
