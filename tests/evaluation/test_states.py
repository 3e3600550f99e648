"""Hidden states of items, pooled."""

from pathlib import Path

import numpy as np
import pytest
import torch

from multum.errors import UsageError
from multum.evaluation.states import pool_states
from tests.neural.samples import LONGEST, save_byte_llama, save_byte_mamba

ITEMS = [b"to be", b"or not to be, that is the question", b"", b"a", bytes(range(150))]


def test_states_of_short_items_are_those_of_the_network(tmp_path: Path) -> None:
    network = save_byte_llama(tmp_path).eval()
    values, columns = pool_states(str(tmp_path), ITEMS, ["mean", "last", "max"], device="cpu")
    assert values.shape == (5, 48)
    assert columns[:2] == ["mean:0", "mean:1"]
    assert columns[-1] == "max:15"
    for row in (0, 1, 3):
        with torch.inference_mode():
            states = network.model(torch.tensor([list(ITEMS[row])])).last_hidden_state[0].numpy()
        expected = np.concatenate([states.mean(axis=0), states[-1], states.max(axis=0)])
        np.testing.assert_allclose(values[row], expected, atol=1e-5)
    assert not values[2].any()


def test_long_items_are_read_in_pieces_that_count_by_their_length(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    long, size = ITEMS[4], LONGEST
    pieces = [long[at : at + size] for at in range(0, len(long), size)]
    whole = pool_states(str(tmp_path), [long], ["mean", "last", "max"], device="cpu")[0][0]
    parts = pool_states(str(tmp_path), pieces, ["mean", "last", "max"], device="cpu")[0]
    weights = np.array([[len(piece) / len(long)] for piece in pieces])
    np.testing.assert_allclose(whole[:16], (parts[:, :16] * weights).sum(axis=0), atol=1e-5)
    np.testing.assert_allclose(whole[16:32], parts[-1, 16:32], atol=1e-5)
    np.testing.assert_allclose(whole[32:], parts[:, 32:].max(axis=0), atol=1e-5)


def test_a_layer_may_be_chosen_and_recurrent_networks_have_states_too(tmp_path: Path) -> None:
    save_byte_mamba(tmp_path)
    first, last = (pool_states(str(tmp_path), ITEMS, layer=layer, device="cpu")[0] for layer in (0, -1))
    assert first.shape == last.shape == (5, 16)
    assert not np.allclose(first[0], last[0])
    seen: list[tuple[int, int | None]] = []
    pool_states(str(tmp_path), ITEMS, device="cpu", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (sum(map(len, ITEMS)), sum(map(len, ITEMS)))


@pytest.mark.parametrize(
    ("pools", "layer", "message"),
    [(["median"], -1, "median is no way to pool; ways are mean, last, max"), (["mean"], 9, "no layer 9; layers are 0")],
)
def test_what_is_not_there_is_refused(tmp_path: Path, pools: list[str], layer: int, message: str) -> None:
    save_byte_llama(tmp_path)
    with pytest.raises(UsageError, match=message):
        pool_states(str(tmp_path), ITEMS, pools, layer=layer, device="cpu")
