"""Recipes with fewer dimensions of features: the file has the head that was measured."""

from pathlib import Path

import torch

import multum
from tests.shrinking.families import save_classifier


def test_a_file_has_the_head_that_reads_fewer_dimensions(tmp_path: Path) -> None:
    save_classifier(tmp_path / "net")
    rows = [f"{('bad', 'good')[n % 2]},{('a dull film', 'so fine a film')[n % 2]} {n}" for n in range(40)]
    (tmp_path / "reviews.csv").write_text("\n".join(["label,text", *rows]) + "\n", "utf-8")
    report = multum.shrink(
        tmp_path / "net", tmp_path / "net.mtm", data=tmp_path / "reviews.csv", recipe="features=1:learned"
    )
    (line,) = report.passes
    assert line.name == "features=1:learned"
    assert line.told.startswith("1 of 32 dimensions hold ")
    assert report.loss_after is not None
    assert report.loss_before is not None
    assert report.loss_after.value != report.loss_before.value
    before, after = multum.load_program(tmp_path / "net"), multum.load_program(tmp_path / "net.mtm")
    weight = after.get_submodule("classifier").get_parameter("weight").detach()
    assert int(torch.linalg.matrix_rank(weight, rtol=1e-4)) == 1
    assert not torch.equal(weight, before.get_submodule("classifier").get_parameter("weight"))
