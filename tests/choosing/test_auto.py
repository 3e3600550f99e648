"""Searches for recipes over a network of a few thousand weights: frontier, choice, going on, and the same again."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import multum
from multum.choosing import spaces
from multum.choosing.points import list_made
from multum.errors import UsageError
from multum.shrinking.recipes import KINDS
from tests.neural.samples import save_byte_llama

# Passes that take no time; all others are searched the same way.
QUICK = {"prune": ("magnitude:0.5",), "quantize": ("rtn:8",)}


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_byte_llama(Path("net"))
    Path("note.txt").write_bytes(b"a note, a note, another note\n" * 40)
    kinds = {name: kind.__class__(**vars(kind) | {"tries": QUICK.get(name, ())}) for name, kind in KINDS.items()}
    monkeypatch.setattr(spaces, "KINDS", kinds)
    return tmp_path


def search(target: str, **options: Any) -> multum.AutoReport:
    usual: dict[str, Any] = {"data": "note.txt", "calibration": 256, "threads": 1}
    return multum.auto_shrink("net", target, **usual | options)


def test_the_chosen_file_is_the_best_within_the_target_and_goes_on_from_where_it_was(net: Path) -> None:
    first = search("a.mtm", target_bytes=9000, trials=4, folder="kept")
    assert first.chosen.size_bytes == Path("a.mtm").stat().st_size <= 9000
    singles = [point for point in first.points if point.single]
    assert [point.recipe for point in singles] == ["code", "prune=magnitude:0.5 | code", "quantize=rtn:8 | code"]
    within = [point for point in list_made(first.points) if point.worth[0] <= 9000]
    assert first.chosen.loss == min(point.worth[1] for point in within)
    assert {path.name for path in Path("kept").glob("*.mtm")} == {f"{point.number}.mtm" for point in first.frontier}
    told = json.loads(Path("kept/frontier.json").read_text())
    assert told == json.loads(json.dumps(first.as_dict()))
    assert len(str(first).splitlines()) == 2 + len(first.frontier)
    assert "->" in str(first)

    again = search("b.mtm", target_bytes=9000, trials=4, folder="kept")
    assert again.points == first.points
    assert Path("b.mtm").read_bytes() == Path("a.mtm").read_bytes()


@pytest.mark.slow
def test_a_search_goes_on_for_another_target_and_a_seed_makes_it_again(net: Path) -> None:
    first = search("a.mtm", target_bytes=9000, trials=5, folder="kept")
    more = search("b.mtm", target_loss=11.0, trials=6, folder="kept")
    assert more.points[:5] == first.points
    assert more.chosen.size_bytes == min(point.worth[0] for point in list_made(more.points) if point.worth[1] <= 11)
    same = search("c.mtm", target_bytes=9000, trials=5)
    assert [(p.recipe, p.bits, p.worth[:2]) for p in same.points] == [
        (p.recipe, p.bits, p.worth[:2]) for p in first.points
    ]
    multum.load_program("c.mtm")


def test_a_network_in_memory_is_searched_by_labelled_batches(net: Path) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(8, 32, 16)
    batches = [{"input": one, "labels": one[:, :4].argmax(1)} for one in inputs]
    module = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    multum.retrain(module, batches[:6], epochs=20, teacher_weight=0)
    options: dict[str, Any] = {"data": batches[:6], "evaluation": batches[6:], "threads": 1, "folder": "kept"}
    found = multum.auto_shrink(module, "a.mtm", target_bytes=2500, trials=3, **options)
    assert found.source == "Sequential"
    assert found.chosen.seconds is not None
    back = multum.load_program("a.mtm", into=torch.nn.Sequential(*(type(m)(*_shape(m)) for m in module)))
    right = [(back(batch["input"]).argmax(1) == batch["labels"]).float().mean() for batch in batches[6:]]
    assert found.chosen.accuracy == pytest.approx(float(sum(right)) / 2)
    with pytest.raises(UsageError, match="holds another search, with data"):
        multum.auto_shrink(module, "b.mtm", target_bytes=2500, **options | {"data": batches[:5]})
    with pytest.raises(UsageError, match="batches to measure on need labels"):
        multum.auto_shrink(module, "b.mtm", target_bytes=2500, data=batches, evaluation=[{"input": inputs[0]}])


def _shape(layer: torch.nn.Module) -> tuple[int, ...]:
    return (layer.in_features, layer.out_features) if isinstance(layer, torch.nn.Linear) else ()


def test_a_folder_with_other_things_in_it_is_left_alone(net: Path) -> None:
    Path("mine").mkdir()
    Path("mine/0.mtm").write_bytes(b"mine")
    with pytest.raises(UsageError, match="'mine' is not empty and holds no search"):
        search("a.mtm", target_bytes=9000, folder="mine")
    assert [path.name for path in Path("mine").iterdir()] == ["0.mtm"]


def test_a_target_that_nothing_reaches_leaves_the_search_and_no_file(net: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing of 1 trials reaches a loss of 0\.1 at most"):
        search("a.mtm", target_loss=0.1, trials=1)
    assert not Path("a.mtm").exists()
    assert Path("a.mtm.search").is_dir()
    with pytest.raises(UsageError, match="holds another search, with seed 0 instead of 1"):
        search("a.mtm", target_loss=0.1, trials=1, seed=1)
    with pytest.raises(UsageError, match="nothing that was tried became a file: code: a target of 5 bytes"):
        search("b.mtm", target_bytes=5, trials=1)
