"""From a trained network to its integers.

Weights become 8-bit integers with a step a row; what decides a byte afterwards is in multum.inference.
Invariant: the integers are a function of the weights. Only the unit of the stream between layers comes from a probe,
and that is rounded to a power of two.
"""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Layer, Parts, Sizes
from multum.neural.loading import Loaded
from multum.neural.recurrent_integers import convert_recurrent
from multum.neural.rounding import Steps, pick_point, round_epsilon, round_gains, round_matrix, to_numpy

_FAMILIES = ("llama", "mistral", "qwen2")
_RECURRENT_FAMILY = "mamba2"
DEFAULT_WINDOW = 2048
_PROBE_TOKENS = 256
_TURN_BITS = 48
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def make_integers(
    loaded: Loaded, window: int | None = None, point: int | None = None, steps: Steps | None = None
) -> IntegerNetwork:
    """Return the integer network of a network in memory.

    window: tokens that a prediction depends on; None for all that the program reads at once, at most 2048. A
    recurrent network reads without one, and depends on all that came before. point: fraction bits of the stream;
    None to find them by a probe. steps: of the rows of weights that lie on grids of 8-bit integers; None for rows
    over their whole range.
    Raises FormatError for a network that this version has no integers for.
    """
    if loaded.model.config.model_type == _RECURRENT_FAMILY:
        return IntegerNetwork(convert_recurrent(loaded, steps, point))
    return IntegerNetwork(_convert_llama(loaded, steps, window, point))


def _convert_llama(loaded: Loaded, steps: Steps | None, window: int | None, point: int | None) -> Parts:
    """Return the parts of a network of the Llama family. Raises FormatError."""
    config = loaded.model.config
    _check_family(loaded.vocabulary.name, config)
    model = loaded.model.model
    sizes = _read_sizes(loaded, window, _find_point(loaded) if point is None else point)
    epsilon = round_epsilon(config.rms_norm_eps, sizes.point)
    layers = tuple(_convert_layer(layer, steps) for layer in model.layers)
    tied = loaded.model.lm_head.weight is model.embed_tokens.weight
    embedding = round_matrix([model.embed_tokens], steps)
    top = None if tied else round_matrix([loaded.model.lm_head], steps)
    final = round_gains(to_numpy(model.norm.weight) * math.log2(math.e))
    return Parts(sizes, epsilon, _list_turns(loaded, sizes.head), embedding, layers, final, top)


def _check_family(name: str, config: Any) -> None:
    """Raise FormatError unless the network is one whose steps multum.inference takes."""
    if config.model_type not in _FAMILIES:
        known = ", ".join((*_FAMILIES, _RECURRENT_FAMILY))
        raise FormatError(f"'{name}' is a {config.model_type} network; exact inference knows {known}")
    if config.hidden_act != "silu":
        raise FormatError(f"'{name}' has the activation {config.hidden_act}; exact inference knows silu")


def _read_sizes(loaded: Loaded, window: int | None, point: int) -> Sizes:
    config = loaded.model.config
    sliding = getattr(config, "sliding_window", None) if config.model_type == "mistral" else None
    # what reads bytes was trained on windows cut anywhere, so its window may slide
    slides = loaded.vocabulary.is_bytes or sliding is not None
    longest = min(sliding or DEFAULT_WINDOW, loaded.longest or DEFAULT_WINDOW)
    window = min(window or longest, longest, DEFAULT_WINDOW)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Sizes(
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        groups=config.num_key_value_heads,
        head=head,
        inner=config.intermediate_size,
        vocabulary=loaded.vocabulary.size,
        window=window,
        overlap=-1 if slides else window // 2,
        start=-1 if loaded.vocabulary.start is None else loaded.vocabulary.start,
        point=point,
    )


def _find_point(loaded: Loaded) -> int:
    """Return the fraction bits that leave room above the largest number between the layers."""
    import torch

    ids = torch.arange(_PROBE_TOKENS) * 7 % loaded.vocabulary.size
    if loaded.vocabulary.start is not None:
        ids[0] = loaded.vocabulary.start
    with torch.inference_mode():
        states = loaded.model.model(ids[None].to(loaded.device), output_hidden_states=True).hidden_states
    # the last is behind the norm
    largest = max(float(state.abs().max()) for state in states[:-1])
    return pick_point(largest)


def _convert_layer(layer: Any, steps: Steps | None) -> Layer:
    attention, gated = layer.self_attn, layer.mlp
    return Layer(
        before=round_gains(to_numpy(layer.input_layernorm.weight)),
        qkv=round_matrix([attention.q_proj, attention.k_proj, attention.v_proj], steps),
        out=round_matrix([attention.o_proj], steps),
        between=round_gains(to_numpy(layer.post_attention_layernorm.weight)),
        gates=round_matrix([gated.gate_proj, gated.up_proj], steps),
        narrow=round_matrix([gated.down_proj], steps),
    )


def _list_turns(loaded: Loaded, head: int) -> NDArray[np.int64]:
    """Return int64[head / 2]: what each pair of features turns by a token, 48 fraction bits of a turn."""
    config = loaded.model.config
    rope = getattr(config, "rope_parameters", None) or {}
    if (
        rope.get("partial_rotary_factor", 1.0) != 1.0
        or getattr(loaded.model.model.rotary_emb, "attention_scaling", 1.0) != 1.0
    ):
        raise FormatError(f"'{loaded.vocabulary.name}' turns its features in a way that exact inference does not know")
    with localcontext() as context:
        context.prec = 60
        if rope.get("rope_type", "default") == "default":
            base = Decimal(float(rope["rope_theta"])).ln()
            rates = [(-base * 2 * i / head).exp() for i in range(head // 2)]
        else:
            rates = [Decimal(float(rate)) for rate in loaded.model.model.rotary_emb.inv_freq.tolist()]
        return np.array([int((rate * 2**_TURN_BITS / (2 * _PI)).to_integral_value()) for rate in rates], np.int64)
