"""A recurrent network in integers predicts what its floats do, however far it reads."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams
from multum.inference.recurrent_parts import RecurrentParts
from multum.neural.integers import make_integers
from multum.neural.loading import Loaded, load, quiet
from multum.neural.sources import find_source

transformers = pytest.importorskip("transformers")

SHARED: dict[str, Any] = {
    "hidden_size": 32,
    "num_heads": 4,
    "head_dim": 16,
    "expand": 2,
    "state_size": 8,
    "n_groups": 1,
    "num_hidden_layers": 3,
    "vocab_size": 256,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "chunk_size": 32,
    "initializer_range": 0.15,
}


def save_model(folder: Path, **changes: Any) -> Loaded:
    """Save a random network in `folder`, every part of it of some effect, and load it as users do."""
    torch.manual_seed(1)
    model = transformers.Mamba2ForCausalLM(transformers.Mamba2Config(**SHARED | changes))
    for name, weight in model.named_parameters():
        if name.endswith("dt_bias"):
            weight.data = torch.linspace(-6, 1, len(weight))
        elif weight.ndim == 1:
            weight.data += 0.2 * torch.randn_like(weight)
    model.save_pretrained(folder)
    return load(find_source(str(folder)), "cpu")


def read_floats(loaded: Loaded, tokens: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return log2-probabilities in float32."""
    with torch.inference_mode(), quiet():
        logits = loaded.model(torch.from_numpy(tokens.astype(np.int64))[None]).logits[0]
    found: NDArray[np.float64] = (torch.log_softmax(logits.double(), -1) / math.log(2)).numpy()
    return found


def to_log_probabilities(logits: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return log2-probabilities of integer logits."""
    x = logits.astype(float) / 65536
    x -= x.max(1, keepdims=True)
    found: NDArray[np.float64] = x - np.log2(np.exp2(x).sum(1, keepdims=True))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tie_word_embeddings": True, "use_bias": True},
        {"use_conv_bias": False, "conv_kernel": 2, "state_size": 5},
    ],
)
def test_integers_predict_what_floats_do(tmp_path: Path, changes: dict[str, Any]) -> None:
    loaded = save_model(tmp_path, **changes)
    tokens = np.random.default_rng(0).integers(0, 256, 400).astype(np.int32)
    found = to_log_probabilities(Streams(make_integers(loaded), ahead=16).read(tokens))
    wanted = read_floats(loaded, tokens)
    lost = (np.exp2(wanted) * (wanted - found)).sum(1)  # Kullback-Leibler, bits
    known = (np.exp2(wanted) * (wanted + 8)).sum(1)  # all that is predicted
    assert lost.mean() < 0.002 * known.mean()
    assert lost[-100:].mean() < 0.002 * known[-100:].mean()


def test_a_point_may_be_given(tmp_path: Path) -> None:
    loaded = save_model(tmp_path)
    network = make_integers(loaded, point=13)
    assert network.parts.sizes.point == 13
    assert make_integers(loaded, point=13).digest == network.digest
    assert make_integers(loaded, window=24, point=13).digest == network.digest


def test_weights_that_are_all_but_nothing_have_a_file_that_is_read(tmp_path: Path) -> None:
    loaded = save_model(tmp_path)
    for weight in loaded.model.parameters():
        weight.data *= 1e-30
    network = make_integers(loaded)
    assert IntegerNetwork.from_bytes(network.to_bytes()).digest == network.digest


def test_decays_are_those_of_the_weights(tmp_path: Path) -> None:
    loaded = save_model(tmp_path)
    parts = make_integers(loaded).parts
    assert isinstance(parts, RecurrentParts)
    exact = loaded.model.backbone.layers[0].mixer.A_log.detach().double().exp().numpy() / math.log(2)
    assert parts.layers[0].rates / 65536 == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "gelu"}, "has the activation gelu; exact inference knows silu"),
        ({"n_groups": 2}, "has 2 groups of states; exact inference knows 1"),
        ({"time_step_limit": (0.0, 4.0)}, r"has steps limited to \(0.0, 4.0\)"),
    ],
)
def test_what_has_no_integers_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        make_integers(save_model(tmp_path, **changes))
