"""Code lengths under a network: transformers' own loss, whatever the windows and the batch."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import LimitExceeded, UsageError
from multum.neural.loading import Loaded
from multum.neural.programs import NeuralProgram, open_neural
from multum.neural.sources import find_source
from multum.neural.windows import check_windows, cut_windows, measure_bits
from tests.archive.samples import text
from tests.neural.samples import LONGEST, build_llama, save_byte_llama, save_byte_mamba, save_text_llama

DATA = text(300)


def open_byte_llama(folder: Path, **options: int) -> NeuralProgram:
    save_byte_llama(folder)
    return open_neural(find_source(str(folder)), "cpu", **options)


def loss_bits(network: torch.nn.Module, ids: list[int]) -> float:
    """Return transformers' own loss over `ids`, in bits, of all but the first."""
    if len(ids) < 2:
        return 0.0
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        return float(network(tokens, labels=tokens).loss) * (len(ids) - 1) / math.log(2)


def test_bits_of_bytes_are_transformers_loss_and_a_uniform_first_byte(tmp_path: Path) -> None:
    network = save_byte_llama(tmp_path)
    program = open_neural(find_source(str(tmp_path)), "cpu")
    data = DATA[:LONGEST]
    assert program.measure_code(data).bits == pytest.approx(8 + loss_bits(network, list(data)), rel=1e-4)


def test_bits_of_text_are_transformers_loss_after_the_start_token(tmp_path: Path) -> None:
    network = save_text_llama(tmp_path)
    program = open_neural(find_source(str(tmp_path)), "cpu")
    vocabulary = program.loaded.vocabulary
    data = DATA[:100]
    ids = vocabulary.encode(data).ids.tolist()
    assert len(ids) < LONGEST
    assert vocabulary.start == 0
    assert program.measure_code(data).bits == pytest.approx(loss_bits(network, [0, *ids]), rel=1e-4)


def test_a_recurrent_network_has_its_own_loss_and_any_window(tmp_path: Path) -> None:
    network = save_byte_mamba(tmp_path)
    program = open_neural(find_source(str(tmp_path)), "cpu", window=200)
    assert program.loaded.longest is None
    data = DATA[:200]
    assert program.measure_code(data).bits == pytest.approx(8 + loss_bits(network, list(data)), rel=1e-4)


@given(st.integers(0, 200), st.integers(2, 40), st.data())
def test_windows_predict_each_token_once_with_enough_before_it(count: int, window: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, window - 1))
    windows = cut_windows(count, window, overlap)
    predicted = [token for one in windows for token in range(one.first, one.end)]
    assert predicted == list(range(count))
    assert all(one.first < one.end for one in windows)
    assert all(one.end - one.begin <= window for one in windows)
    assert all(one.first - one.begin == overlap for one in windows[1:])


def test_each_window_is_the_loss_of_what_it_reads(tmp_path: Path) -> None:
    """The definition, spelled out: a token's bits given what its window holds before it."""
    program = open_byte_llama(tmp_path, window=20, overlap=7)
    network, bits = program.loaded.model, per_token(program.loaded, DATA, 20, 7)
    for at, begin in ((1, 0), (19, 0), (20, 13), (32, 13), (33, 26), (299, 286)):
        got = loss_bits(network, list(DATA[begin : at + 1])) - loss_bits(network, list(DATA[begin:at]))
        assert bits[at] == pytest.approx(got, rel=1e-3, abs=1e-3)
    assert bits[0] == 8


def per_token(loaded: Loaded, data: bytes, window: int, overlap: int, batch: int | None = None) -> np.ndarray:
    return measure_bits(loaded, np.frombuffer(data, np.uint8).astype(np.int64), window, overlap, batch)


def test_bits_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    loaded = open_byte_llama(tmp_path).loaded
    alone = per_token(loaded, DATA, 16, 4, 1)
    for batch in (2, 3, 100, None):
        assert np.allclose(per_token(loaded, DATA, 16, 4, batch), alone, rtol=1e-4, atol=1e-4)


def test_without_overlap_and_start_token_each_window_begins_with_a_uniform_guess(tmp_path: Path) -> None:
    loaded = open_byte_llama(tmp_path).loaded
    bits = per_token(loaded, DATA[:96], 32, 0)
    assert bits[[0, 32, 64]].tolist() == [8, 8, 8]


def test_with_a_start_token_each_window_begins_with_it(tmp_path: Path) -> None:
    save_text_llama(tmp_path)
    loaded = open_neural(find_source(str(tmp_path)), "cpu").loaded
    ids = np.array([9, 40, 7] * 2)
    bits = measure_bits(loaded, ids, 3, 0)
    assert bits[:3] == pytest.approx(bits[3:], rel=1e-5)


def test_large_vocabularies_are_summed_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from multum.neural import windows

    loaded = open_byte_llama(tmp_path).loaded
    whole = per_token(loaded, DATA, 16, 4)
    monkeypatch.setattr(windows, "_PIECE_LOGITS", 1000)
    monkeypatch.setattr(windows, "_LOGITS", 1)
    assert np.allclose(per_token(loaded, DATA, 16, 4), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_window_that_does_not_fit_says_what_to_do(tmp_path: Path, error: Exception) -> None:
    loaded = open_byte_llama(tmp_path).loaded

    def refuse(*_: object) -> None:
        raise error

    loaded.model.register_forward_pre_hook(refuse)
    with pytest.raises(LimitExceeded, match="1 windows of 16 tokens do not fit in memory; give a smaller --window"):
        per_token(loaded, DATA, 16, 4)


def test_another_failure_of_torch_is_not_hidden(tmp_path: Path) -> None:
    loaded = open_byte_llama(tmp_path).loaded

    def refuse(*_: object) -> None:
        raise RuntimeError("something else")

    loaded.model.register_forward_pre_hook(refuse)
    with pytest.raises(RuntimeError, match="something else"):
        per_token(loaded, DATA, 16, 4)


def test_defaults_are_what_the_network_can_read_and_half_of_it() -> None:
    assert check_windows(None, None, 64) == (64, 32)
    assert check_windows(None, None, 100_000) == (2048, 1024)
    assert check_windows(None, None, None) == (2048, 1024)
    assert check_windows(10, 0, None) == (10, 0)


@pytest.mark.parametrize(
    ("window", "overlap", "message"),
    [
        (1, None, "a window of 1 tokens is not allowed; allowed is 2 to 64"),
        (65, None, "a window of 65 tokens is not allowed; allowed is 2 to 64, the most that this program reads"),
        (16, 16, "an overlap of 16 tokens is not allowed; allowed is 0 to 15"),
        (None, -1, "an overlap of -1 tokens"),
    ],
)
def test_windows_out_of_range_are_refused(window: int | None, overlap: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_windows(window, overlap, 64)


def test_untied_wide_vocabulary_gives_a_distribution() -> None:
    """The bits of all next tokens are those of one distribution: two to the minus bits sums to one."""
    from multum.neural.vocabulary import byte_vocabulary

    loaded = Loaded(build_llama(), byte_vocabulary("it"), torch.device("cpu"), LONGEST)
    ends = [measure_bits(loaded, np.array([65, 66, token]), 8, 0)[2] for token in range(256)]
    assert np.exp2(-np.array(ends)).sum() == pytest.approx(1, rel=1e-5)
