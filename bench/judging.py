"""How good are classifiers that `fit` trained, beside code length alone, and on damaged data?

Run as `python -m bench.judging --sst2 RUN --mnist RUN`: folders that `multum fit --task labels` made of sst2's training
file (from an encoder, as bench.labels does) and of MNIST's training images. Both are judged on the test files; that of
sst2 against `multum eval classify`, which has read the same training file; of MNIST's images the first 1,000, as each
kind and strength of damage asks the network again.
Writes bench/results/judging.json and the tables in docs/evaluate.md.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import multum
from bench.corpus import ROOT
from bench.labels import DATA
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.data.labelled import read_labelled

RESULTS = ROOT / "bench" / "results" / "judging.json"
PAGE = ROOT / "docs" / "evaluate.md"
IMAGES = 1000


def main() -> int:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.judging", description=__doc__)
    parser.add_argument("--sst2", type=Path, required=True, metavar="RUN")
    parser.add_argument("--mnist", type=Path, required=True, metavar="RUN")
    asked = parser.parse_args()
    known = {"against": "classify", "train": DATA / "sst2_train.tsv"}
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        sets = [
            {"name": "sst2"} | judge(asked.sst2, DATA / "sst2_test.tsv", known),
            {"name": "MNIST"} | judge(asked.mnist, take_images(Path(folder) / "images.npz"), {}),
        ]
    found = {
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "sets": sets,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    print(show_tables(found))
    return 0


def take_images(target: Path) -> Path:
    """Write the first test images with their labels to `target`; return it."""
    read = read_labelled(DATA / "mnist" / "t10k-images-idx3-ubyte.gz")
    np.savez(target, x=read.inputs[:IMAGES], y=read.labels[:IMAGES])
    return target


def judge(run: Path, data: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return what `evaluate` finds, but for names of folders and the bins of calibration."""
    found = multum.evaluate(run, data, robust=True, **options).as_dict()
    (verdict,) = found["verdicts"]
    left_out = ("data", "bins", "precision", "recall", "f1", "columns")
    return {
        "verdict": {name: value for name, value in verdict.items() if name not in left_out},
        "against": found["against"],
        "robust": found["robust"],
        "program_bytes": found["program_bits"] // 8,
        "time_s": round(found["seconds"], 1),
    }


def show_tables(found: dict[str, Any]) -> str:
    """Return the scores, the contest and the damage as Markdown."""
    head = ["set", "examples", "bits per label", "accuracy", "macro F1", "Brier", "calibration error"]
    scores = make_table([head, *(_list_scores(one["name"], one["verdict"]) for one in found["sets"])])
    damage = [_list_damage(one["name"], row) for one in found["sets"] for row in one["robust"]]
    table = make_table([("set", "damage", "bits per label", "more than without", "accuracy"), *damage])
    return "\n\n".join([scores, *(_tell(one) for one in found["sets"] if one["against"]), table])


def _list_scores(name: str, verdict: dict[str, Any]) -> list[str]:
    figures = [
        f"{verdict[figure]:.4f} {_show(verdict['intervals'][figure])}"
        for figure in ("bits_per_label", "accuracy", "macro_f1", "brier")
    ]
    return [name, f"{verdict['examples']:,}", *figures, f"{verdict['calibration_error']:.4f}"]


def _show(interval: list[float]) -> str:
    return f"({interval[0]:.3f} to {interval[1]:.3f})"


def _tell(one: dict[str, Any]) -> str:
    """Return the contest in a sentence."""
    contest = one["against"]
    bits, answers = contest["bits"], contest["answers"]
    return (
        f"On {one['name']} it takes {bits['value']:+.4f} bits per label {_show(bits['interval'])} against"
        f" `{contest['other']}`, and is right on {contest['only_this']:,} texts that the other misses, the other on"
        f" {contest['only_other']:,}: accuracy {answers['value']:+.4f} {_show(answers['interval'])}, McNemar's p ="
        f" {answers['chance']:.2g}."
    )


def _list_damage(name: str, row: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{row['damage']}, {100 * row['share']:g} % {row['told']}",
        f"{row['bits']:.4f}",
        f"{row['rise']:+.4f} {_show(row['rise_interval'])}",
        f"{row['accuracy']:.4f} {_show(row['accuracy_interval'])}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
