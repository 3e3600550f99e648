"""From a trained recurrent network to its integers; see multum.neural.integers.

Invariant: as there; exponentials of weights, which no two libraries round alike, are taken in decimals.
"""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.recurrent_parts import (
    MOST_RATE,
    MOST_SKIP,
    MOST_TAPS_DOWN,
    RecurrentLayer,
    RecurrentParts,
    RecurrentSizes,
)
from multum.neural.loading import Loaded
from multum.neural.rounding import Steps, pick_point, round_epsilon, round_fixed, round_gains, round_matrix, to_numpy

_PROBE_TOKENS = 256
_VECTOR_LIMIT = 1 << 30


def convert_recurrent(loaded: Loaded, steps: Steps | None, point: int | None) -> RecurrentParts:
    """Return the parts of a Mamba-2 network. Raises FormatError for one whose steps are others."""
    model, config = loaded.model.backbone, loaded.model.config
    _check_config(loaded.vocabulary.name, config)
    sizes = _read_sizes(loaded, _find_point(loaded) if point is None else point)
    layers = tuple(_convert_layer(layer, steps, sizes) for layer in model.layers)
    tied = loaded.model.lm_head.weight is model.embeddings.weight
    return RecurrentParts(
        sizes=sizes,
        epsilon=round_epsilon(config.layer_norm_epsilon, sizes.point),
        embedding=round_matrix([model.embeddings], steps),
        layers=layers,
        final=round_gains(to_numpy(model.norm_f.weight) * math.log2(math.e)),
        top=None if tied else round_matrix([loaded.model.lm_head], steps),
    )


def _check_config(name: str, config: Any) -> None:
    """Raise FormatError unless the network is one whose steps multum.inference takes."""
    limit = tuple(config.time_step_limit)
    for has, found, known in (
        (config.hidden_act != "silu", f"the activation {config.hidden_act}", "silu"),
        (config.n_groups != 1, f"{config.n_groups} groups of states", "1"),
        (limit != (0.0, math.inf), f"steps limited to {limit}", "steps without a limit"),
    ):
        if has:
            raise FormatError(f"'{name}' has {found}; exact inference knows {known}")


def _read_sizes(loaded: Loaded, point: int) -> RecurrentSizes:
    config = loaded.model.config
    return RecurrentSizes(
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_heads,
        head=config.head_dim,
        size=config.state_size,
        taps=config.conv_kernel,
        vocabulary=loaded.vocabulary.size,
        start=-1 if loaded.vocabulary.start is None else loaded.vocabulary.start,
        point=point,
    )


def _find_point(loaded: Loaded) -> int:
    """Return the fraction bits that leave room above the largest number between the layers."""
    import torch

    ids = torch.arange(_PROBE_TOKENS) * 7 % loaded.vocabulary.size
    model = loaded.model.backbone
    with torch.inference_mode():
        states = model(ids[None].to(loaded.device), output_hidden_states=True).hidden_states
        embedded = model.embeddings(ids.to(loaded.device))
    # the last is behind the norm
    return pick_point(max(float(state.abs().max()) for state in (embedded, *states[:-1])))


def _convert_layer(layer: Any, steps: Steps | None, sizes: RecurrentSizes) -> RecurrentLayer:
    mixer = layer.mixer
    bias = mixer.conv1d.bias
    taps = to_numpy(mixer.conv1d.weight)[:, 0].T  # [tap, channel]
    return RecurrentLayer(
        before=round_gains(to_numpy(layer.norm.weight)),
        into=round_matrix([mixer.in_proj], steps),
        taps=round_gains(taps.reshape(-1), MOST_TAPS_DOWN),
        tap_bias=round_fixed(np.zeros(sizes.channels) if bias is None else to_numpy(bias), _VECTOR_LIMIT),
        step_bias=round_fixed(to_numpy(mixer.dt_bias), _VECTOR_LIMIT),
        rates=_list_rates(to_numpy(mixer.A_log)),
        skips=round_fixed(to_numpy(mixer.D), MOST_SKIP),
        gated=round_gains(to_numpy(mixer.norm.weight)),
        out=round_matrix([mixer.out_proj], steps),
    )


def _list_rates(logs: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return int32[heads]: exp(logs) * log2(e) with 16 fraction bits."""
    with localcontext() as context:
        context.prec = 60
        most = Decimal(MOST_RATE)
        unit = 65536 / Decimal(2).ln()
        rates = [min(Decimal(float(log)).exp() * unit, most).to_integral_value() for log in logs]
        return np.array([int(rate) for rate in rates], np.int32)
