"""Classification and anomalies by code length, beside what others do on the same split.

Run as `python -m bench.similarity [--asked N] [--seeds N]`. Classification: four public sets, half of each to learn
from and half to tell, divided by seed 0; gzip with nearest neighbours is asked for the first N texts of the second
half only, as it compares each with every text of the first. Anomalies: in each log 20 lines of another log are
planted, and the area under the curve tells how well surprise finds them. Times are of one processor.
Writes bench/results/similarity.json and the tables in docs/similarity.md.
"""

import argparse
import csv
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

import multum
from bench.corpus import ROOT, find_corpus
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked

RESULTS = ROOT / "bench" / "results" / "similarity.json"
PAGE = ROOT / "docs" / "similarity.md"
PLANTED = 20
NEIGHBOURS = 3
Row = dict[str, Any]
Examples = tuple[list[str], list[str]]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.similarity", description=__doc__)
    parser.add_argument("--asked", type=int, default=200, metavar="N", help="texts that gzip is asked for [200]")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="times that lines are planted [3]")
    asked = parser.parse_args()
    corpus = find_corpus()
    found = {
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "asked": asked.asked,
        "sets": [compare(name, read(corpus / "labels"), asked.asked) for name, read in SETS.items()],
        "logs": [find_planted(path, asked.seeds) for path in sorted((corpus / "log").glob("*.log"))],
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    print(show_tables(found))
    return 0


def read_ag_news(folder: Path) -> Examples:
    """Return titles with their news, and the topics."""
    with (folder / "ag_news_test.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return [f"{row[1]} {row[2]}" for row in rows], [row[0] for row in rows]


def read_spam(folder: Path) -> Examples:
    """Return short messages, and whether they are spam."""
    rows = [line.split("\t") for line in (folder / "SMSSpamCollection").read_text("utf-8").splitlines()[1:]]
    return [row[1] for row in rows], [row[0] for row in rows]


def read_films(folder: Path) -> Examples:
    """Return sentences of film reviews, and whether they praise."""
    names = ("sst2_train.tsv", "sst2_dev.tsv")
    rows = [line.split("\t") for name in names for line in (folder / name).read_text("utf-8").splitlines()]
    return [row[0] for row in rows], [row[1] for row in rows]


def read_hotels(folder: Path) -> Examples:
    """Return Chinese reviews of hotels, and whether they praise."""
    with (folder / "ChnSentiCorp_htl_all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [row[1] for row in rows], [row[0] for row in rows]


SETS: dict[str, Callable[[Path], Examples]] = {
    "AG News (test file)": read_ag_news,
    "SMS spam": read_spam,
    "sst2": read_films,
    "ChnSentiCorp": read_hotels,
}


def compare(name: str, examples: Examples, asked: int) -> Row:
    """Return accuracies and times of the three ways on one set."""
    texts, labels = np.array(examples[0], object), np.array(examples[1])
    order = np.random.default_rng(0).permutation(len(texts))
    known, others = order[: len(order) // 2], order[len(order) // 2 :]
    row: Row = {"name": name, "known": len(known), "told": len(others), "classes": len(set(labels.tolist()))}

    def tell(way: str, model: Any) -> None:
        started_s = time.process_time()
        model.fit(list(texts[known]), labels[known])
        learnt_s = time.process_time()
        told = model.predict(list(texts[others]))
        row[way] = {
            "accuracy": float((told == labels[others]).mean()),
            "accuracy_asked": float((told[:asked] == labels[others][:asked]).mean()),
            "train_time_s": learnt_s - started_s,
            "test_time_s": time.process_time() - learnt_s,
        }

    multum.CodeLengthClassifier(threads=1).fit(["a", "b"] * 8, [0, 1] * 8)  # compiles, which is no part of the time
    tell("multum", multum.CodeLengthClassifier(threads=1))
    grams: dict[str, Any] = (
        {"analyzer": "char", "ngram_range": (1, 3)} if name == "ChnSentiCorp" else {"ngram_range": (1, 2)}
    )
    tell(
        "regression", make_pipeline(TfidfVectorizer(sublinear_tf=True, **grams), LogisticRegression(C=10, max_iter=300))
    )
    started_s = time.process_time()
    near = [ask_neighbours(texts[known], labels[known], text) for text in texts[others][:asked]]
    spent_s = time.process_time() - started_s
    row["gzip"] = {
        "accuracy_asked": float((np.array(near) == labels[others][:asked]).mean()),
        "time_all_s": spent_s / len(near) * len(others),  # an estimate: each text costs the same
    }
    print(name, json.dumps(row), flush=True)
    return row


def ask_neighbours(texts: NDArray[Any], labels: NDArray[Any], asked: str) -> str:
    """Return the commonest label of the nearest texts by gzip's distance; the nearest decides between equals.

    Source: Jiang et al., "Low-resource text classification: a parameter-free method with compressors" (2023).
    """
    alone = len(gzip.compress(asked.encode()))
    distances = []
    for text in texts:
        size = _SIZES.get(text) or _SIZES.setdefault(text, len(gzip.compress(text.encode())))
        both = len(gzip.compress(f"{asked} {text}".encode()))
        distances.append((both - min(alone, size)) / max(alone, size))
    nearest = [str(labels[place]) for place in np.argsort(distances, kind="stable")[:NEIGHBOURS]]
    return Counter(nearest).most_common(1)[0][0]


_SIZES: dict[str, int] = {}


def find_planted(path: Path, seeds: int) -> Row:
    """Return how well lines of another log are found in the log at `path`."""
    others = [other for other in sorted(path.parent.glob("*.log")) if other != path]
    lines = path.read_bytes().splitlines()
    areas, time_s = [], 0.0
    for seed in range(seeds):
        generator = np.random.default_rng([seed, len(lines), path.stat().st_size])
        foreign = others[int(generator.integers(len(others)))].read_bytes().splitlines()
        places = np.sort(generator.choice(len(lines) + PLANTED, PLANTED, replace=False))
        mixed = list(lines)
        for place, pick in zip(places, generator.choice(len(foreign), PLANTED, replace=False), strict=True):
            mixed.insert(int(place), foreign[int(pick)])
        planted = np.zeros(len(mixed), bool)
        planted[places] = True
        started_s = time.process_time()
        report = multum.surprise(b"\n".join(mixed) + b"\n", top=1)
        time_s += time.process_time() - started_s
        areas.append(float(roc_auc_score(planted, report.rates)))
    print(path.name, areas, flush=True)
    return {"name": path.stem, "lines": len(lines), "areas": areas, "time_s": time_s / seeds}


def show_tables(found: Row) -> str:
    """Return the two tables, as Markdown."""
    sets = [("set", "known, told", "multum", "gzip neighbours", "regression", "multum, s", "gzip neighbours, s")]
    for row in found["sets"]:
        ours, theirs, other = row["multum"], row["gzip"], row["regression"]
        spent_s = ours["train_time_s"] + ours["test_time_s"]
        sets.append(
            (
                row["name"],
                f"{row['known']:,}, {row['told']:,}",
                f"{ours['accuracy']:.3f} ({ours['accuracy_asked']:.3f})",
                f"({theirs['accuracy_asked']:.3f})",
                f"{other['accuracy']:.3f} ({other['accuracy_asked']:.3f})",
                f"{spent_s:.1f}",
                f"{theirs['time_all_s']:,.0f} ({theirs['time_all_s'] / spent_s:.0f} times)",
            )
        )
    logs = [("log", "lines", "area under the curve", "s")]
    logs += [
        (row["name"], f"{row['lines']:,}", f"{np.mean(row['areas']):.4f}", f"{row['time_s']:.1f}")
        for row in found["logs"]
    ]
    mean = np.mean([np.mean(row["areas"]) for row in found["logs"]])
    logs.append(("mean", "", f"{mean:.4f}", ""))
    told = f"In parentheses: on the first {found['asked']} texts told, the only ones that gzip was asked for."
    return f"{make_table(sets)}\n\n{told} Its time for all is an estimate from these.\n\n{make_table(logs)}"


if __name__ == "__main__":
    raise SystemExit(main())
