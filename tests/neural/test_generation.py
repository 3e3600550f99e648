"""Samples are drawn from the network's own distribution, and the seed decides them."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from multum.neural.generation import Settings, draw, draw_tokens
from multum.neural.loading import Loaded
from multum.neural.programs import NeuralProgram, open_neural
from multum.neural.sources import find_source
from multum.neural.vocabulary import byte_vocabulary
from tests.neural.samples import LONGEST, build_llama, save_byte_llama, save_byte_mamba, save_text_llama

PLAIN = Settings()


def test_draw_takes_the_token_at_that_share_of_the_mass() -> None:
    logits = np.log([0.1, 0.6, 0.3])
    assert [draw(logits, PLAIN, chance) for chance in (0.0, 0.59, 0.61, 0.89, 0.91, 0.999)] == [1, 1, 2, 2, 0, 0]


def test_temperature_sharpens_and_zero_takes_the_likeliest() -> None:
    logits = np.log([0.1, 0.6, 0.3])
    assert draw(logits, Settings(temperature=0), 0.999) == 1
    assert draw(logits, Settings(temperature=0.5), 0.9) == 2  # 0.36 and 0.09 of 0.46: up to 0.978
    assert draw(logits, Settings(temperature=0.1), 0.99) == 1


def test_top_p_leaves_the_fewest_tokens_that_reach_it() -> None:
    logits = np.log([0.1, 0.6, 0.3])
    assert draw(logits, Settings(top_p=0.5), 0.999) == 1
    assert draw(logits, Settings(top_p=0.7), 0.999) == 2
    assert draw(logits, Settings(top_p=1), 0.999) == 0


def open_folder(folder: Path, window: int | None = None) -> NeuralProgram:
    return open_neural(find_source(str(folder)), "cpu", window)


@pytest.mark.parametrize("save", [save_byte_llama, save_byte_mamba])
def test_cached_sampling_draws_what_the_whole_prefix_says(tmp_path: Path, save: Any) -> None:
    network = save(tmp_path)
    loaded = open_folder(tmp_path).loaded
    drawn = list(islice(draw_tokens(loaded, [65, 66], 64, Settings(temperature=0), 1), 30))
    seen = [65, 66]
    for token in drawn:
        with torch.inference_mode():
            assert int(network(torch.tensor([seen])).logits[0, -1].argmax()) == token
        seen.append(token)


def test_the_seed_decides_the_sample(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    program = open_folder(tmp_path)
    first, again, other = (b"".join(program.sample(50, b"ab", seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 50


def test_sampling_goes_on_past_the_window(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    program = open_folder(tmp_path, window=8)
    assert len(b"".join(program.sample(100, b"a longer prompt than the window", seed=1))) == 100


def test_no_bytes_are_no_work(tmp_path: Path) -> None:
    save_byte_llama(tmp_path)
    assert list(open_folder(tmp_path).sample(0)) == []


def test_text_comes_from_the_start_token_and_stops_at_the_end_token(tmp_path: Path) -> None:
    network = save_text_llama(tmp_path)
    assert len(b"".join(open_folder(tmp_path).sample(40, seed=3))) <= 40
    bias_towards(network, 1)
    network.save_pretrained(tmp_path)
    assert b"".join(open_folder(tmp_path).sample(40, seed=3)) == b""


def bias_towards(network: LlamaForCausalLM, token: int) -> None:
    """Make `token` all that the network expects: the first hidden value is large, and only its row reads it."""
    with torch.no_grad():
        network.model.embed_tokens.weight[:, 0] = 100  # far more than the layers add to it
        network.model.norm.weight.zero_()
        network.model.norm.weight[0] = 1
        network.lm_head.weight.zero_()
        network.lm_head.weight[token, 0] = 100


def test_samples_follow_a_known_distribution() -> None:
    """A network made to expect 'a' three times as often as 'b', whatever came before."""
    network = build_llama()
    bias_towards(network, 0)
    with torch.no_grad():
        network.lm_head.weight[0, 0] = 0
        scale = float(network.model(torch.tensor([[97]])).last_hidden_state[0, 0, 0])
        network.lm_head.weight[97, 0] = (20 + np.log(3)) / scale
        network.lm_head.weight[98, 0] = 20 / scale
    loaded = Loaded(network, byte_vocabulary("it"), torch.device("cpu"), LONGEST)
    drawn = list(islice(draw_tokens(loaded, [97], 64, PLAIN, 5), 400))
    assert set(drawn) == {97, 98}
    assert 270 < drawn.count(97) < 330  # 300 expected, 3.5 standard deviations are 30
