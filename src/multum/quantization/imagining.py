"""Text that a language model imagines: what stands for calibration data when there are none.

A model knows what it read, so that its own samples tell nearly as well what its errors cost.
"""

from collections.abc import Callable
from typing import Any

import torch

from multum.quantization.sensitivities import Batch

# In so many batches, so that reading them back and forth takes no more memory than a long text does.
_BATCHES = 8


def imagine(
    module: Any,
    start: int | None,
    *,
    texts: int = 24,
    tokens: int = 96,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> list[Batch]:
    """Return batches of texts that a causal language model of transformers draws, side by side.

    start: the token that texts begin with; None for one drawn from all of them, evenly. tokens: of each text.
    """
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        size = module.get_output_embeddings().weight.shape[0]
        ids = torch.randint(0, size, (texts, 1), generator=generator)
    else:
        ids = torch.full((texts, 1), start)
    state: dict[str, Any] = {}
    read = ids
    with torch.inference_mode():
        for done in range(tokens - 1):
            result = module(input_ids=read, use_cache=True, **state)
            chances = torch.softmax(result.logits[:, -1].float(), -1)
            read = torch.multinomial(chances, 1, generator=generator)
            ids = torch.cat([ids, read], 1)
            state = _keep_state(result, done + 1)
            if progress is not None:
                progress((done + 1) / (tokens - 1))
    return [{"input_ids": part} for part in ids.split(max(1, texts // _BATCHES))]


def _keep_state(result: Any, place: int) -> dict[str, Any]:
    """Return what the network wants to be given back with the next token."""
    if getattr(result, "cache_params", None) is not None:
        return {"cache_params": result.cache_params, "cache_position": torch.tensor([place])}
    return {"past_key_values": result.past_key_values}
