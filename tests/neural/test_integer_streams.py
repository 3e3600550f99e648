"""PyTorch predicts the integers that compiled kernels predict, however tokens are grouped."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.inference.network import IntegerNetwork
from multum.inference.parts import Parts
from multum.inference.reading import Streams
from multum.neural.integer_layers import has_planes
from multum.neural.integer_streams import TensorStreams
from tests.inference.conftest import make_network, make_recurrent

# Some CPUs cannot; the rest of what planes need is tried wherever they can.
PLANES = [False, True] if has_planes(torch.device("cpu")) else [False]


def turn_far(network: IntegerNetwork) -> IntegerNetwork:
    """Return the network with features that turn so far that products with places leave 64 bits."""
    assert isinstance(network.parts, Parts)
    return IntegerNetwork(replace(network.parts, turns=network.parts.turns + (1 << 61)))


KINDS = {
    "sliding": make_network(),
    "read again": make_network(overlap=5, biased=True),
    "nothing read again": make_network(overlap=0),
    "with a start": make_network(overlap=3, start=7, tied=True, groups=1),
    "with a start, sliding": make_network(start=7, biased=True),
    "every head its own": make_network(groups=4, window=9),
    "turning far": turn_far(make_network()),
}


def draw_tokens(seed: int, streams: int, count: int, beginnings: float = 0.0) -> NDArray[np.int32]:
    """Return tokens of streams that begin, and do so again with chance `beginnings` a token."""
    random = np.random.default_rng(seed)
    tokens = random.integers(0, 24, (streams, count))
    tokens[random.random(tokens.shape) < beginnings] = -1
    tokens[:, 0] = -1
    return tokens.astype(np.int32)


def read_columns(streams: Streams | TensorStreams, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return int32[streams, n, vocabulary], the logits of one advance after another."""
    return np.stack([streams.advance(np.ascontiguousarray(column)) for column in tokens.T], 1)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), count=st.integers(1, 50), ahead=st.integers(1, 30), planes=st.sampled_from(PLANES))
@settings(max_examples=10)
def test_one_stream_predicts_what_kernels_do(kind: str, seed: int, count: int, ahead: int, planes: bool) -> None:
    tokens = draw_tokens(seed, 1, count)[0]
    found = TensorStreams(KINDS[kind], ahead=ahead, planes=planes).read(tokens)
    assert (found == Streams(KINDS[kind], ahead=8).read(tokens)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("streams", [1, 2, 5, 64])
def test_many_streams_predict_what_kernels_do_step_by_step(kind: str, streams: int) -> None:
    tokens = draw_tokens(streams, streams, 30)
    found = read_columns(TensorStreams(KINDS[kind], streams), tokens)
    assert (found == read_columns(Streams(KINDS[kind], streams), tokens)).all()


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), streams=st.integers(1, 9), ahead=st.integers(1, 30))
@settings(max_examples=5)
def test_streams_that_begin_at_any_time_predict_the_same_at_once(
    kind: str, seed: int, streams: int, ahead: int
) -> None:
    tokens = draw_tokens(seed, streams, 40, beginnings=0.02)
    found = TensorStreams(KINDS[kind], streams, ahead).read_many(tokens).numpy()
    assert (found == read_columns(Streams(KINDS[kind], streams), tokens)).all()


@pytest.mark.parametrize("kind", ["sliding", "read again"])
def test_calls_go_on_where_the_last_one_ended(kind: str) -> None:
    tokens = draw_tokens(3, 4, 40)
    streams = TensorStreams(KINDS[kind], 4, ahead=6)
    parts = [
        streams.read_many(tokens[:, :9]).numpy(),
        read_columns(streams, tokens[:, 9:14]),
        streams.read_many(tokens[:, 14:]).numpy(),
    ]
    assert (np.concatenate(parts, 1) == read_columns(Streams(KINDS[kind], 4), tokens)).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is at hand")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize("streams", [1, 2, 64])
def test_a_gpu_predicts_what_kernels_do(kind: str, planes: bool, streams: int) -> None:
    tokens = draw_tokens(streams, streams, 40)
    wanted = read_columns(Streams(KINDS[kind], streams), tokens)
    at_once = TensorStreams(KINDS[kind], streams, 16, "cuda", planes).read_many(tokens).cpu().numpy()
    assert (at_once == wanted).all()
    assert (read_columns(TensorStreams(KINDS[kind], streams, 1, "cuda", planes), tokens) == wanted).all()


@pytest.mark.parametrize("tokens", [[[24]], [[-2]], [[0], [0]], [0]])
def test_tokens_that_do_not_exist_are_refused(tokens: list[list[int]]) -> None:
    with pytest.raises(UsageError, match=r"tokens must be of 1 streams, and -1 \(one begins\) to 23"):
        TensorStreams(KINDS["sliding"]).read_many(np.array(tokens, np.int32))


@pytest.mark.parametrize(("streams", "ahead"), [(0, 1), (1, 0)])
def test_no_streams_and_nothing_ahead_are_refused(streams: int, ahead: int) -> None:
    with pytest.raises(UsageError, match="give 1 or more of each"):
        TensorStreams(KINDS["sliding"], streams, ahead)


def test_a_recurrent_network_is_refused() -> None:
    with pytest.raises(UsageError, match="a recurrent network is stepped on the CPU only"):
        TensorStreams(make_recurrent())
