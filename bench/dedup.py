"""Does cleaner, deduplicated data train better, and by how much?

Run as `python -m bench.dedup [--runs DIR]`; stopped, it goes on with the same folder. One source text, three ways: as
it is; with half of it replaced by many copies of a few passages; with noise in half of it. The same grid of runs on
each, of equal compute, all scored on the same clean text. A law is fitted for each, and one law for clean and spoiled
data together, in which a byte of the spoiled is worth a share of a clean one.
Writes bench/results/dedup.json, the tables in docs/dedup.md and its figure.
"""

import argparse
import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

import multum
from bench.corpus import ROOT, find_corpus
from bench.figures import draw_arms
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.ladders.reports import LadderReport, Moment
from multum.laws.law import Law
from multum.laws.predicting import predict_rows

RESULTS = ROOT / "bench" / "results" / "dedup.json"
PAGE = ROOT / "docs" / "dedup.md"
FIGURE = ROOT / "docs" / "figures" / "dedup.svg"
# Of the source: bytes to train on, and those after them to be scored on.
TRAINING_BYTES, HELD_OUT_BYTES = 2_000_000, 1 << 16
PIECE_BYTES = 4096
# Duplicated pieces come so often; of the bytes of a noisy piece so many are replaced.
COPIES, NOISE = 32, 0.2
# Every size is trained on every amount, in bytes.
SIZES = (11_568, 40_096, 107_856)
AMOUNTS = (500_000, 1_000_000, 2_000_000, 4_000_000)
CLEAN, DUPLICATED, NOISY = "clean", "duplicated", "noisy"
ARMS = (CLEAN, DUPLICATED, NOISY)
# One law for two arms: K is 1 for clean data and 2 for spoiled, of which a byte is worth 2**q clean ones.
FORM = "E + A / N**alpha + B / (D * K**q)**beta"
Row = dict[str, Any]


def main() -> int:
    """Measure, print, write."""
    asked = parse_arguments()
    source = asked.data.read_bytes()
    training, held_out = source[:TRAINING_BYTES], source[TRAINING_BYTES : TRAINING_BYTES + HELD_OUT_BYTES]
    arms = spoil(training)
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        runs = asked.runs or Path(folder)
        reports = {name: climb(name, data, held_out, runs) for name, data in arms.items()}
    found = {
        "question": "does cleaner, deduplicated data train better, and by how much",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "data": asked.data.name,
        "time_s": round(sum(report.time_s for report in reports.values())),
        "arms": {name: describe_arm(arms[name], report) for name, report in reports.items()},
        "compared": [compare(reports[CLEAN], reports[name], name) for name in ARMS[1:]],
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    draw_arms({name: (report.points, fit_arm(report)) for name, report in reports.items()}, FIGURE)
    print(show_tables(found))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.dedup", description=__doc__)
    parser.add_argument("--data", type=Path, default=find_corpus() / "text" / "dickens", metavar="FILE")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep the runs here, and go on with them")
    return parser.parse_args()


def spoil(clean: bytes) -> dict[str, bytes]:
    """Return the source as it is, with duplicates, and with noise; all of one length."""
    generator = np.random.default_rng(0)
    pieces = np.frombuffer(clean, np.uint8)[: len(clean) // PIECE_BYTES * PIECE_BYTES].reshape(-1, PIECE_BYTES)
    half = generator.permutation(len(pieces))[: len(pieces) // 2]  # the pieces that are spoiled
    kept = np.setdiff1d(np.arange(len(pieces)), half)
    duplicated, noisy = pieces.copy(), pieces.copy()
    copied = generator.choice(kept, -(-len(half) // COPIES), replace=False)
    duplicated[half] = pieces[copied.repeat(COPIES)[: len(half)]]
    hit = generator.random((len(half), PIECE_BYTES)) < NOISE
    noisy[half] = np.where(hit, generator.integers(32, 127, hit.shape, np.uint8), noisy[half])
    return {CLEAN: pieces.tobytes(), DUPLICATED: duplicated.tobytes(), NOISY: noisy.tobytes()}


def climb(name: str, data: bytes, held_out: bytes, runs: Path) -> LadderReport:
    """Return the ladder of one kind of data."""
    runs.mkdir(parents=True, exist_ok=True)
    paths = runs / f"{name}.bin", runs / "held-out.bin"
    for path, content in zip(paths, (data, held_out), strict=True):
        path.write_bytes(content)

    def progress(moment: Moment) -> None:
        if moment.note is not None:
            print(f"{name}: {moment.done}/{moment.runs}: {moment.name}: {moment.note}", flush=True)

    rows = [(size, amount) for size in SIZES for amount in AMOUNTS]
    grid = {"params": [size for size, _ in rows], "bytes": [amount for _, amount in rows]}
    return multum.ladder(paths[0], runs / name, grid=grid, bits=(), held_out=paths[1], progress=progress)


def fit_arm(report: LadderReport) -> Law:
    """Return the law of one kind of data."""
    return multum.law(list_columns(report), form="chinchilla")


def list_columns(*reports: LadderReport) -> dict[str, list[float]]:
    """Return the points of ladders as columns; K is 1 in the first and 2 in the second."""
    points = [(number, point) for number, report in enumerate(reports, 1) for point in report.points]
    return {
        "N": [float(point.parameters) for _, point in points],
        "bytes": [float(point.bytes) for _, point in points],
        "bpb": [point.bpb for _, point in points],
        "K": [float(number) for number, _ in points],
    }


def describe_arm(data: bytes, report: LadderReport) -> Row:
    """Return the runs of one kind of data, how far it compresses, and its law."""
    return {
        "gzip_ratio": len(zlib.compress(data, 9)) / len(data),
        "points": [point.as_dict() for point in report.points],
        "law": fit_arm(report).as_dict(),
        "failed": list(report.failed),
    }


def compare(clean: LadderReport, spoiled: LadderReport, name: str) -> Row:
    """Return how much worse a kind of data is: run by run, by the laws, and what a byte is worth."""
    theirs = {(point.parameters, point.bytes): point.bpb for point in spoiled.points}
    pairs = [(point.bpb, theirs[point.parameters, point.bytes]) for point in clean.points]
    excess = np.array([spoiled_bpb / clean_bpb - 1 for clean_bpb, spoiled_bpb in pairs])
    joint = multum.law(list_columns(clean, spoiled), form=FORM, over=["K"])
    q, (low, high) = joint.parameters["q"], joint.intervals["q"]
    return {
        "arm": name,
        "excess": float(excess.mean()),
        "excess_interval": _resample(excess),
        "law_difference": _subtract_laws(fit_arm(clean), fit_arm(spoiled), clean),
        "worth": 2.0**q,
        "worth_interval": [2.0**low, 2.0**high],
        "joint": joint.as_dict(),
    }


def _resample(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Return an 80 % interval of the mean, by resampling the pairs of runs."""
    generator = np.random.default_rng(0)
    means = generator.choice(values, (10_000, len(values))).mean(axis=1)
    return [float(one) for one in np.quantile(means, (0.1, 0.9))]


def _subtract_laws(clean: Law, spoiled: Law, report: LadderReport) -> Row:
    """Return the difference of two laws in bits per byte at the largest run, with its interval."""
    largest = max(report.points, key=lambda point: point.flops)
    columns = {"N": np.array([float(largest.parameters)]), "D": np.array([float(largest.bytes)])}
    said = [predict_rows(law, columns, anyway=True)[0].predicted for law in (clean, spoiled)]
    draws = [np.exp(law.predict_draws(columns)[:, 0]) for law in (clean, spoiled)]
    count = min(map(len, draws))
    low, high = np.quantile(draws[1][:count] - draws[0][:count], (0.1, 0.9))
    return {"run": largest.run, "difference": said[1] - said[0], "interval": [float(low), float(high)]}


def show_tables(found: Row) -> str:
    """Return the tables of docs/dedup.md."""
    runs = [["parameters", "bytes", *(f"{name}, bits per byte" for name in ARMS)]]
    columns = [found["arms"][name]["points"] for name in ARMS]
    for points in zip(*columns, strict=True):
        rates = [f"{point['bpb']:.4f}" for point in points]
        runs.append([f"{points[0]['parameters']:,}", f"{points[0]['bytes']:,}", *rates])
    arms = [["data", "gzip -9, share", "E", "A", "alpha", "B", "beta", "mean error"]]
    for name in ARMS:
        law = found["arms"][name]["law"]
        cells = [f"{law['parameters'][one]:.3g}" for one in ("E", "A", "alpha", "B", "beta")]
        arms.append([name, f"{found['arms'][name]['gzip_ratio']:.3f}", *cells, f"{law['error']:.2%}"])
    return "\n\n".join([make_table(runs), make_table(arms), _show_compared(found), _tell_origin(found)])


def _show_compared(found: Row) -> str:
    lines = [["beside clean data", "run by run", "by the laws, at the largest run", "a byte is worth"]]
    for row in found["compared"]:
        low, high = row["excess_interval"]
        law = row["law_difference"]
        worth = row["worth_interval"]
        lines.append(
            [
                row["arm"],
                f"{row['excess']:+.2%} ({low:+.2%} to {high:+.2%})",
                f"{law['difference']:+.4f} ({law['interval'][0]:+.4f} to {law['interval'][1]:+.4f}) bits per byte",
                f"{row['worth']:.2f} ({worth[0]:.2f} to {worth[1]:.2f}) clean ones",
            ]
        )
    return make_table(lines)


def _tell_origin(found: Row) -> str:
    machine = found["machine"]
    return (
        f"Intervals are of 80 %. {found['time_s'] / 60:.0f} minutes on {found['data']}, commit {found['commit']},"
        f" {found['date']}, {machine['processor']}, {machine['cores']} cores."
    )


if __name__ == "__main__":
    sys.exit(main())
