"""Files of a length that zeros meet: measured as they are written."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.shrinking.recipes import read_recipe


def make_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 8))


def shrink(target: Path, recipe: str, **options: Any) -> Any:
    batches = [{"input": torch.randn(64, 64, generator=torch.Generator().manual_seed(1))}]
    return multum.shrink(make_network(), target, recipe=recipe, data=batches, force=True, **options)


def count_zeros(path: Path) -> float:
    module = multum.load_program(path, into=make_network())
    weights = torch.cat([part.weight.flatten() for part in module.modules() if isinstance(part, nn.Linear)])
    return float((weights == 0).float().mean())


def test_a_file_of_plain_values_is_as_short_as_asked_for_by_no_more_zeros_than_that_takes(tmp_path: Path) -> None:
    report = shrink(tmp_path / "x.mtm", "prune=magnitude:bytes=28000")
    assert report.bytes_after <= 28000
    assert report.bytes_after == (tmp_path / "x.mtm").stat().st_size
    share = count_zeros(tmp_path / "x.mtm")
    fewer = shrink(tmp_path / "y.mtm", f"prune=magnitude:{share - 1 / 32:.3f}")
    assert fewer.bytes_after > 28000 - 600
    assert report.passes[0].name == "prune=magnitude:bytes=28000"


@pytest.mark.slow
def test_a_coded_file_is_as_short_as_asked_for_and_keeps_the_zeros(tmp_path: Path) -> None:
    report = shrink(tmp_path / "x.mtm", "prune=surgeon:bytes=4300 | code", target_bits=4.0)
    assert 3700 < report.bytes_after <= 4300
    assert count_zeros(tmp_path / "x.mtm") > 0


def test_sizes_that_cannot_be_are_refused_with_those_that_can(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no share of zeros makes a file of 100 bytes; the shortest .* has [0-9,]+"):
        shrink(tmp_path / "x.mtm", "prune=magnitude:bytes=100")
    with pytest.raises(UsageError, match=r"are taken without any zeros, allowed is 1,000,000"):
        shrink(tmp_path / "x.mtm", "prune=magnitude:bytes=1000000 | code")
    with pytest.raises(UsageError, match="a size is asked for twice"):
        shrink(tmp_path / "x.mtm", "prune=magnitude:bytes=6000 | code", target_bytes=6000)
    with pytest.raises(UsageError, match="which has to see what is written; put it before"):
        read_recipe("prune=magnitude:bytes=6000 | quantize=rtn:4 | code")
    assert not (tmp_path / "x.mtm").exists()
