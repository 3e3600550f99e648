"""Programs at a precision: their integers are the grid's, and take the bits that were asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from multum.errors import UsageError
from multum.inference.parts import Matrix
from multum.neural.integers import make_integers
from multum.neural.loading import Loaded, load
from multum.neural.sources import find_source
from multum.quantization.programs import round_program

LLAMA = transformers.LlamaConfig(
    hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    vocab_size=256, max_position_embeddings=32, tie_word_embeddings=True, initializer_range=0.15,
    bos_token_id=None, eos_token_id=None,
)  # fmt: skip
MAMBA = transformers.Mamba2Config(
    hidden_size=32, num_hidden_layers=2, num_heads=4, head_dim=16, state_size=8, n_groups=1, expand=2, vocab_size=256,
    bos_token_id=None, eos_token_id=None, pad_token_id=None,
)  # fmt: skip


def _load_random(folder: Path, config: Any) -> Loaded:
    torch.manual_seed(1)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return load(find_source(str(folder)), "cpu")


def _measure_entropy(matrices: list[Matrix]) -> float:
    """Return bits a weight, each matrix with a distribution of its own."""
    bits = 0.0
    for matrix in matrices:
        counts = np.bincount(matrix.values.ravel().astype(int) + 127)
        counts = counts[counts > 0]
        bits -= float((counts * np.log2(counts / counts.sum())).sum())
    return bits / sum(matrix.values.size for matrix in matrices)


@pytest.mark.parametrize("config", [LLAMA, MAMBA], ids=["llama", "mamba2"])
def test_weights_take_the_bits_asked_for(config: Any, tmp_path: Path) -> None:
    loaded = _load_random(tmp_path, config)
    plain = _measure_entropy(list(make_integers(loaded).parts.list_matrices()))
    steps = round_program(loaded, 4.0)
    small = _measure_entropy(list(make_integers(loaded, steps=steps).parts.list_matrices()))
    assert 3.5 < small < 4.4 < plain


def test_integers_have_the_values_of_the_grid(tmp_path: Path) -> None:
    loaded = _load_random(tmp_path, LLAMA)
    steps = round_program(loaded, 3.0)
    embedding = make_integers(loaded, steps=steps).parts.embedding
    values = embedding.values * embedding.scales[:, None].astype(np.float64) / 2**embedding.down
    floats = loaded.model.model.embed_tokens.weight.detach().numpy()
    np.testing.assert_allclose(values, floats, rtol=1e-3)


def test_the_same_weights_become_the_same_integers(tmp_path: Path) -> None:
    digests = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        loaded = _load_random(tmp_path, LLAMA)
        digests.append(make_integers(loaded, point=13, steps=round_program(loaded, 3.0)).digest)
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert digests[0] == digests[1]


def test_bits_out_of_range_are_refused(tmp_path: Path) -> None:
    loaded = _load_random(tmp_path, LLAMA)
    with pytest.raises(UsageError, match=r"bits is 0\.5; allowed is 1 to 8"):
        round_program(loaded, 0.5)
