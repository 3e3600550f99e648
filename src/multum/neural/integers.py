"""From a trained network to its integers.

Weights become 8-bit integers with a step a row; what decides a byte afterwards is in multum.inference.
Invariant: the integers are a function of the weights: maxima, divisions and roundings of single numbers, which are
the same on every machine, never a sum or a power in floating point. Only the unit of the stream between layers comes
from a probe, and that is rounded to a power of two.
"""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes
from multum.neural.loading import Loaded

_FAMILIES = ("llama", "mistral", "qwen2")
DEFAULT_WINDOW = 2048
_MOST = 127
_PROBE_TOKENS = 256
# Room above the largest number of the stream that the probe sees, as a power of two.
_HEADROOM_BITS = 5
_FIXED_BITS = 30
# Entropy of a normal variable over that of one whose step is its deviation: log2(sqrt(2 pi e)).
_NORMAL_BITS = 2.047
_TURN_BITS = 48
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def make_integers(
    loaded: Loaded, bits: float | None = None, window: int | None = None, point: int | None = None
) -> IntegerNetwork:
    """Return the integer network of a network in memory.

    bits: entropy a weight to aim at; None for 8-bit integers over each row's range. window: tokens that a
    prediction depends on; None for all that the program reads at once, at most 2048. point: fraction bits of the
    stream; None to find them by a probe.
    Raises FormatError for a network that this version has no integers for.
    """
    config = loaded.model.config
    _check_family(loaded.vocabulary.name, config)
    model = loaded.model.model
    sizes = _read_sizes(loaded, window, _find_point(loaded) if point is None else point)
    epsilon = round(config.rms_norm_eps * 2 ** (2 * sizes.point + 16))
    layers = tuple(_convert_layer(layer, bits) for layer in model.layers)
    tied = loaded.model.lm_head.weight is model.embed_tokens.weight
    embedding = _convert_matrix([model.embed_tokens], bits)
    top = None if tied else _convert_matrix([loaded.model.lm_head], bits)
    final = _convert_gains(model.norm.weight, math.log2(math.e))
    return IntegerNetwork(Parts(sizes, epsilon, _list_turns(loaded, sizes.head), embedding, layers, final, top))


def _check_family(name: str, config: Any) -> None:
    """Raise FormatError unless the network is one whose steps multum.inference takes."""
    if config.model_type not in _FAMILIES:
        raise FormatError(f"'{name}' is a {config.model_type} network; exact inference knows {', '.join(_FAMILIES)}")
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
    point = _FIXED_BITS - _HEADROOM_BITS - math.frexp(largest)[1]
    return min(max(point, 1), 24)


def _convert_layer(layer: Any, bits: float | None) -> Layer:
    attention, gated = layer.self_attn, layer.mlp
    return Layer(
        before=_convert_gains(layer.input_layernorm.weight),
        qkv=_convert_matrix([attention.q_proj, attention.k_proj, attention.v_proj], bits),
        out=_convert_matrix([attention.o_proj], bits),
        between=_convert_gains(layer.post_attention_layernorm.weight),
        gates=_convert_matrix([gated.gate_proj, gated.up_proj], bits),
        narrow=_convert_matrix([gated.down_proj], bits),
    )


def _convert_gains(weight: Any, factor: float = 1.0) -> Gains:
    """Return gains times `factor`, as 16-bit integers."""
    gains = _to_numpy(weight) * factor
    down = 15 - math.frexp(float(np.abs(gains).max()) or 1.0)[1]
    return Gains(np.clip(np.rint(np.ldexp(gains, down)), -32767, 32767).astype(np.int16), down)


def _convert_matrix(modules: list[Any], bits: float | None) -> Matrix:
    """Return the matrices of `modules`, one below the other, in integers."""
    weights = np.concatenate([_to_numpy(module.weight) for module in modules])
    steps = np.abs(weights).max(1) / _MOST
    if bits is not None:
        steps = np.maximum(steps, _measure_spread(weights) * 2 ** (_NORMAL_BITS - bits))
    down = 16 - math.frexp(float(steps.max()) or 1.0)[1]
    scales = np.clip(np.ceil(np.ldexp(steps, down)), 1, 65535)
    values = np.clip(np.rint(np.ldexp(weights, down) / scales[:, None]), -_MOST, _MOST)
    biases = [getattr(module, "bias", None) for module in modules]
    bias = None
    if any(one is not None for one in biases):
        vectors = [
            np.zeros(module.out_features) if one is None else _to_numpy(one)
            for module, one in zip(modules, biases, strict=True)
        ]
        bias = np.clip(np.rint(np.concatenate(vectors) * 65536), -(1 << 30), 1 << 30).astype(np.int32)
    return Matrix(values.astype(np.int8), scales.astype(np.uint16), down, bias)


def _measure_spread(weights: NDArray[np.float64]) -> float:
    """Return the root of the mean square, summed in integers."""
    up = 15 - math.frexp(float(np.abs(weights).max()) or 1.0)[1]
    coarse = np.rint(np.ldexp(weights, up)).astype(np.int64)
    return math.ldexp(math.sqrt(int((coarse * coarse).sum()) / weights.size), -up)


def _to_numpy(tensor: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.detach().double().cpu().numpy()
    return found


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
