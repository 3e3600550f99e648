"""What a network predicts depends on the tokens of its stream alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams
from tests.inference.conftest import make_network, make_recurrent

KINDS = {
    "sliding": make_network(),
    "read again": make_network(overlap=5, biased=True),
    "with a start": make_network(overlap=3, start=7, tied=True, groups=1),
    "every head its own": make_network(groups=4, window=9),
    "recurrent": make_recurrent(),
    "recurrent with a start": make_recurrent(start=7, taps=2, tied=True, biased=True),
}


def read_one_by_one(network: IntegerNetwork, tokens: NDArray[np.int32]) -> NDArray[np.int32]:
    streams = Streams(network)
    return np.concatenate([streams.advance(tokens[k : k + 1]) for k in range(len(tokens))])


def draw_tokens(seed: int, count: int) -> NDArray[np.int32]:
    tokens = np.random.default_rng(seed).integers(0, 24, count).astype(np.int32)
    tokens[:1] = -1
    return tokens


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), count=st.integers(1, 60), ahead=st.integers(1, 40))
@settings(max_examples=20)
def test_many_tokens_at_once_predict_what_one_by_one_does(kind: str, seed: int, count: int, ahead: int) -> None:
    tokens = draw_tokens(seed, count)
    together = Streams(KINDS[kind], ahead=ahead).read(tokens)
    assert (together == read_one_by_one(KINDS[kind], tokens)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("streams", [1, 2, 3, 5, 16, 64])
def test_streams_do_not_touch_each_other_in_any_order(kind: str, streams: int) -> None:
    network = KINDS[kind]
    tokens = np.stack([draw_tokens(k, 30) for k in range(streams)])
    order = np.random.default_rng(streams).permutation(streams)
    straight, shuffled = Streams(network, streams), Streams(network, streams)
    for t in range(tokens.shape[1]):
        first = straight.advance(tokens[:, t])
        assert (shuffled.advance(tokens[order, t]) == first[order]).all()
        if t == 0:
            kept = []
        kept.append(first[0])
    assert (np.stack(kept) == read_one_by_one(network, tokens[0])).all()


@pytest.mark.parametrize("kind", ["read again", "recurrent"])
def test_threads_predict_the_same(kind: str) -> None:
    network = KINDS[kind]
    tokens = [draw_tokens(k, 200) for k in range(4)]
    alone = [Streams(network, ahead=8).read(row) for row in tokens]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda row: Streams(network, ahead=8).read(row), tokens))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("kind", ["sliding", "recurrent"])
def test_streams_that_begin_at_other_times_predict_the_same(kind: str) -> None:
    network = KINDS[kind]
    tokens = draw_tokens(1, 25)
    streams = Streams(network, 2)
    late = []
    for t in range(len(tokens) + 7):
        other = tokens[t - 7] if t >= 7 else -1
        now = tokens[t] if t < len(tokens) else 0
        logits = streams.advance(np.array([now, other], np.int32))
        late += [logits[1]] if t >= 7 else []
    assert (np.stack(late) == Streams(network, ahead=5).read(tokens)).all()


def test_a_sliding_window_forgets_what_is_behind_it() -> None:
    # one layer sees a window; two see twice that, less one
    network = make_network(window=5)
    near, far = draw_tokens(3, 40), draw_tokens(3, 40)
    far[1:20] = (far[1:20] + 1) % 24
    one, other = (Streams(network, ahead=40).read(tokens) for tokens in (near, far))
    assert (one[20 + 8 :] == other[20 + 8 :]).all()
    assert (one[19] != other[19]).any()


def test_a_recurrent_network_forgets_nothing_at_once() -> None:
    near, far = draw_tokens(3, 400), draw_tokens(3, 400)
    far[1] = (far[1] + 1) % 24
    one, other = (Streams(KINDS["recurrent"], ahead=40).read(tokens) for tokens in (near, far))
    assert (one[100] != other[100]).any()


@pytest.mark.parametrize("kind", ["sliding", "recurrent"])
def test_nothing_is_known_at_the_beginning_without_a_start_token(kind: str) -> None:
    assert not Streams(KINDS[kind]).advance(np.array([-1], np.int32)).any()


@pytest.mark.parametrize("kind", ["with a start", "recurrent with a start"])
def test_a_start_token_says_what_begins(kind: str) -> None:
    assert Streams(KINDS[kind]).advance(np.array([-1], np.int32)).any()


def test_a_stream_that_begins_anew_knows_nothing_of_what_it_read() -> None:
    tokens = draw_tokens(4, 30)
    streams = Streams(KINDS["recurrent"], ahead=7)
    first = streams.read(tokens)
    assert (streams.read(np.concatenate([tokens, tokens]))[30:] == first).all()


@pytest.mark.parametrize("tokens", [[24], [-2], [0, 0]])
def test_tokens_that_do_not_exist_are_refused(network: IntegerNetwork, tokens: list[int]) -> None:
    with pytest.raises(UsageError, match="tokens must be 1 numbers of -1"):
        Streams(network).advance(np.array(tokens, np.int32))


def test_no_stream_is_refused(network: IntegerNetwork) -> None:
    with pytest.raises(UsageError, match="0 streams are not allowed"):
        Streams(network, 0)
