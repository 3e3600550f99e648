"""What the scripts for GPUs compare is equal without one, before a GPU is held for them."""

import pytest
import torch

from bench import gpu_fit
from bench.drawn_networks import SHAPES, draw_network
from bench.gpu_exact import check


def test_every_way_to_read_a_drawn_network_is_equal() -> None:
    found = check(draw_network(SHAPES["tiny"]), torch.device("cpu"), 2)
    assert found["equal"]
    assert {"float64 at once", "float64 by step"} <= set(found["ways"])


@pytest.mark.parametrize(("text", "count"), [("20M", 20_000_000), ("100k", 100_000), ("1.5m", 1_500_000), ("7", 7)])
def test_counts_may_have_a_unit(text: str, count: int) -> None:
    assert gpu_fit.parse_count(text) == count
