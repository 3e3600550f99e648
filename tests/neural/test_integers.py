"""A network in integers predicts what its floats do, for every family that it is made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.reading import Streams
from multum.neural.integers import make_integers
from multum.neural.loading import Loaded, load
from multum.neural.sources import find_source

transformers = pytest.importorskip("transformers")

SHARED: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 100,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 256,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "initializer_range": 0.15,
}
FAMILIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (transformers.LlamaConfig, {"tie_word_embeddings": False}),
    "tied llama": (transformers.LlamaConfig, {"tie_word_embeddings": True, "attention_bias": True}),
    "mistral": (transformers.MistralConfig, {"sliding_window": 16, "head_dim": 20}),
    "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": True, "rope_theta": 50000.0}),
}


def save_model(folder: Path, config: Any) -> Loaded:
    """Save a random network of `config` in `folder` and load it as users do."""
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_config(config)
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.data += 0.3 * torch.randn_like(weight) if "norm" in name else 0.1 * torch.randn_like(weight)
    model.save_pretrained(folder)
    return load(find_source(str(folder)), "cpu")


def to_log_probabilities(logits: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return log2-probabilities of integer logits."""
    x = logits.astype(float) / 65536
    x -= x.max(1, keepdims=True)
    found: NDArray[np.float64] = x - np.log2(np.exp2(x).sum(1, keepdims=True))
    return found


def read_floats(loaded: Loaded, tokens: NDArray[np.int32], window: int | None = None) -> NDArray[np.float64]:
    """Return log2-probabilities in float32, each token seeing `window` tokens at most."""
    n = len(tokens)
    place = torch.arange(n)
    seen = place[None] <= place[:, None]
    if window is not None:
        seen &= place[:, None] - place[None] < window
    mask = torch.where(seen, 0.0, -1e9)[None, None]
    with torch.inference_mode():
        logits = loaded.model(torch.from_numpy(tokens.astype(np.int64))[None], attention_mask=mask).logits[0]
    found: NDArray[np.float64] = (torch.log_softmax(logits.double(), -1) / np.log(2)).numpy()
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_integers_predict_what_floats_do(tmp_path: Path, family: str) -> None:
    kind, options = FAMILIES[family]
    loaded = save_model(tmp_path, kind(**SHARED | options))
    network = make_integers(loaded)
    tokens = np.random.default_rng(0).integers(0, 256, 150).astype(np.int32)
    found = to_log_probabilities(Streams(network, ahead=16).read(tokens))
    wanted = read_floats(loaded, tokens, network.window)
    lost = (np.exp2(wanted) * (wanted - found)).sum(1)  # Kullback-Leibler, bits
    spread = (np.exp2(wanted) * (wanted + 8)).sum(1).mean()  # what is known at all
    assert lost.mean() < 0.005 * spread
    assert network.window == (16 if family == "mistral" else 64)


def test_a_window_and_a_point_may_be_given(tmp_path: Path) -> None:
    loaded = save_model(tmp_path, transformers.LlamaConfig(**SHARED))
    network = make_integers(loaded, window=24, point=13)
    assert (network.window, network.parts.sizes.point) == (24, 13)
    assert make_integers(loaded, window=24, point=13).digest == network.digest


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (transformers.GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=256), "is a gpt2 network"),
        (transformers.LlamaConfig(**SHARED, hidden_act="gelu"), "has the activation gelu"),
    ],
)
def test_what_has_no_integers_is_refused_by_name(tmp_path: Path, config: Any, message: str) -> None:
    loaded = save_model(tmp_path, config)
    with pytest.raises(FormatError, match=message):
        make_integers(loaded)
