"""Intervals hold the truth as often as they say, and agree with SciPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multum.judging.resampling import find_chance, find_interval, find_share_interval, resample, resample_means

stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")


def test_an_interval_of_a_mean_is_as_wide_as_its_standard_error_says() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = resample(lambda places: [values[places].mean()], 400, 400, 1)[:, 0]
    low, high = find_interval(found)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_blocks_make_intervals_of_dependent_values_wider() -> None:
    """Values that come in runs of 100 tell as much as a hundredth of them."""
    runs = np.repeat(np.random.default_rng(0).normal(0, 1, 100), 100)
    single = find_interval(resample(lambda places: [runs[places].mean()], len(runs), len(runs), 0)[:, 0])
    blocks = find_interval(resample_means(runs, 0))
    assert blocks.high - blocks.low > 5 * (single.high - single.low)


@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(0, 3))
def test_means_of_blocks_are_means(count: int, seed: int) -> None:
    """Of equal values every mean is that value, however blocks go round the end."""
    np.testing.assert_allclose(resample_means(np.full(count, 2.5), seed), 2.5)


@given(st.integers(1, 500), st.data())
def test_intervals_of_shares_are_scipys(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    theirs = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(find_share_interval(hits, count), [theirs.low, theirs.high], atol=1e-9)


def test_the_chance_of_no_difference_is_large_without_one_and_never_0() -> None:
    generator = np.random.default_rng(0)
    assert find_chance(generator.normal(0, 1, 1000)) > 0.8
    assert find_chance(generator.normal(9, 1, 1000)) == pytest.approx(2 / 1001)
