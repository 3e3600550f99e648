"""A real language model in integers: the same in any grouping, and as good as its floats."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams
from multum.neural.integers import make_integers
from multum.neural.loading import Loaded, load
from multum.neural.sources import find_source
from tests.hub_models import smollm
from tests.neural.test_integers import read_floats, to_log_probabilities

pytestmark = pytest.mark.slow
TEXT = Path(__file__).parents[2] / "README.md"


__all__ = ["smollm"]


@pytest.fixture(scope="module")
def loaded(smollm: Path) -> Loaded:
    return load(find_source(str(smollm)), "cpu")


@pytest.fixture(scope="module")
def network(loaded: Loaded) -> IntegerNetwork:
    """Return its integers; windows are short, so that one begins anew."""
    return make_integers(loaded, window=96)


def test_any_grouping_of_real_tokens_predicts_the_same(loaded: Loaded, network: IntegerNetwork) -> None:
    ids = loaded.vocabulary.encode(TEXT.read_bytes()).ids[:120].astype(np.int32)
    tokens = np.concatenate([np.array([-1], np.int32), ids])
    together = Streams(network, ahead=32).read(tokens)
    assert (Streams(network, ahead=7).read(tokens) == together).all()
    streams = Streams(network, 3)
    rolled = [tokens, np.roll(tokens, 1), tokens]
    rolled[1][0] = -1
    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(lambda: Streams(network, ahead=16).read(tokens))
        for t in range(len(tokens)):
            logits = streams.advance(np.array([row[t] for row in rolled], np.int32))
            assert (logits[0] == together[t]).all()
            assert (logits[2] == together[t]).all()
        assert (other.result() == together).all()


def test_integers_rate_real_text_as_floats_do(loaded: Loaded) -> None:
    ids = loaded.vocabulary.encode(TEXT.read_bytes()).ids[:600]
    start = loaded.vocabulary.start
    assert start is not None
    tokens = np.concatenate([[-1], ids[:-1]]).astype(np.int32)
    found = to_log_probabilities(Streams(make_integers(loaded), ahead=32).read(tokens))
    wanted = read_floats(loaded, np.where(tokens < 0, start, tokens).astype(np.int32))
    bits, exact = (-one[np.arange(len(ids)), ids].sum() for one in (found, wanted))
    assert bits == pytest.approx(exact, rel=0.005)
