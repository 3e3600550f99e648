"""How small do networks for MNIST become, and what does that cost? A ResNet, and a net of two convolutions.

Run as `python -m bench.small_images`. Both are trained here on training images (the ResNet by `multum fit`, or taken
from a run of it), shrunken by recipes that train on the same images, and scored on all 10,000 test images, which no
pass sees. A size is the length of an archive that was loaded back, and the loaded network is what is scored. Wanted:
3 % of the bytes of float32, and an accuracy within 0.3 points. The last row of each is what a search finds by itself
within these bytes, knowing a tenth of the training images to compare by (`--search BUDGET`).
Writes bench/results/small_images.json, and the table of it in docs/choosing.md.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import multum
from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked

RESULTS = ROOT / "bench" / "results" / "small_images.json"
PAGE = ROOT / "docs" / "choosing.md"
MNIST = Path(os.environ.get("MULTUM_LABELS", "/work/shared/data/labels")) / "mnist"
BATCH = 100
WANTED = 0.03
RECIPES = {
    "resnet": (
        "code",
        "qat=3:{qat:g} | code",
        "gradual=0.9:{gradual:g} | qat=3:{qat:g} | code",
        "distil=0.5:{distil:g} | gradual=0.9:{gradual:g} | qat=3:{qat:g} | code",
    ),
    "two convolutions": (
        "gradual=0.95:{gradual:g} | qat=3:{qat:g} | code",
        "gradual=0.98:{gradual:g} | qat=3:{qat:g} | code",
        "code",
    ),
}
Row = dict[str, Any]
Images = tuple[np.ndarray, np.ndarray]
Score = Callable[[nn.Module], float]


class TwoConvolutions(nn.Module):
    """The net of PyTorch's example for MNIST: two convolutions, two linear layers, 1,199,882 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, pixels: Tensor, labels: Tensor | None = None) -> Tensor:  # noqa: ARG002 - batches carry them
        """Return float[batch, 10] logits of float[batch, 1, 28, 28]."""
        x = functional.relu(self.conv2(functional.relu(self.conv1(pixels))))
        x = functional.max_pool2d(x, 2).flatten(1)  # [batch, 9216]
        logits: Tensor = self.fc2(functional.relu(self.fc1(x)))
        return logits


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    if not asked.tables_only:
        torch.set_num_threads(asked.threads)
        rows = keep_rows(asked)
        with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
            for row in measure(asked, Path(name)):
                rows.append(row | describe(asked, row))
                print(json.dumps(rows[-1]), flush=True)
                machine = describe_machine() | {"torch": torch.__version__, "threads": asked.threads}
                results = {"machine": machine, "rows": rows}
                asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    results = json.loads(asked.out.read_text("utf-8"))
    print(show_table(results))
    if asked.out == RESULTS:
        PAGE.write_text(replace_marked(PAGE, show_table(results), "small-images"), "utf-8")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.small_images", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(RECIPES), default=list(RECIPES), help="not both")
    parser.add_argument("--examples", type=int, default=60000, help="training images that are used (default: all)")
    parser.add_argument("--resnet", type=Path, metavar="DIR", help="a run of multum fit on MNIST, instead of training")
    parser.add_argument("--fit", type=float, default=3, help="epochs of the networks as they come (default 3)")
    parser.add_argument("--distil", type=float, default=2, help="epochs of distil=")
    parser.add_argument("--gradual", type=float, default=5, help="epochs of gradual=")
    parser.add_argument("--qat", type=float, default=2, help="epochs of qat=")
    parser.add_argument(
        "--search", type=float, default=0, metavar="S", help="seconds to search for a recipe (default 0)"
    )
    parser.add_argument("--recipes-kept", action="store_true", help="measure the search alone, and keep other rows")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--tables-only", action="store_true", help="make the table of what was measured before")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def describe(asked: argparse.Namespace, row: Row) -> Row:
    """Return how a row came about."""
    told = {"commit": describe_commit(), "date": tell_date(), "examples": asked.examples, "fit_epochs": asked.fit}
    if row["network"] == "resnet" and asked.resnet is not None:
        return told | {"fit_epochs": None, "fit": json.loads((asked.resnet / "multum.json").read_text("utf-8"))["law"]}
    return told


def keep_rows(asked: argparse.Namespace) -> list[Row]:
    """Return what was measured before and is left out this time."""
    before = json.loads(asked.out.read_text("utf-8"))["rows"] if asked.out.exists() else []
    return [row for row in before if row["network"] not in asked.only or (asked.recipes_kept and "trials" not in row)]


def measure(asked: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Yield a row for each network and recipe."""
    training, test = read_images("train", asked.examples), read_images("t10k", None)
    np.savez(folder / "train.npz", x=training[0], y=training[1])
    if "resnet" in asked.only:
        yield from measure_resnet(asked, folder, test)
    if "two convolutions" in asked.only:
        yield from measure_convolutions(asked, training, test)


def read_images(part: str, count: int | None) -> Images:
    """Return (uint8[n, 28, 28], int64[n]): the first images of MNIST, and their labels."""
    from multum.data.labelled import read_labelled

    found = read_labelled(MNIST / f"{part}-images-idx3-ubyte.gz")
    assert isinstance(found.inputs, np.ndarray), "idx holds images"
    labels = np.array([int(found.classes[label]) for label in found.labels])
    return found.inputs[:count, 0], labels[:count]


def measure_resnet(asked: argparse.Namespace, folder: Path, test: Images) -> Iterator[Row]:
    """Return the rows of the ResNet."""
    from multum.neural.classifiers import open_classifier, predict
    from multum.training.labels.fitting import fit_labels

    run, data = asked.resnet or folder / "run", folder / "train.npz"
    if asked.resnet is None:
        fit_labels(data, run, epochs=asked.fit, threads=asked.threads)
    classifier = open_classifier(str(run))
    features = classifier.reader.read(test[0][:, None])

    def score(module: nn.Module) -> float:
        told = predict(module, features).argmax(1)
        return float(
            np.mean([classifier.classes[label] == str(right) for label, right in zip(told, test[1], strict=True)])
        )

    return list_rows(asked, "resnet", classifier.module, run, {"data": data}, score, into=None)


def measure_convolutions(asked: argparse.Namespace, training: Images, test: Images) -> Iterator[Row]:
    """Return the rows of the two convolutions."""
    pixels, labels = scale_pixels(training[0]), torch.from_numpy(training[1])
    batches = [
        {"pixels": pixels[start : start + BATCH], "labels": labels[start : start + BATCH]}
        for start in range(0, len(labels), BATCH)
    ]
    module = train_convolutions(batches, asked.fit)
    others = scale_pixels(test[0])

    @torch.no_grad()
    def score(module: nn.Module) -> float:
        told = torch.cat([module(part).argmax(1) for part in others.split(500)])
        return float((told.numpy() == test[1]).mean())

    cut = round(0.9 * len(batches))
    data = {"data": batches[:cut], "evaluation": batches[cut:]}
    return list_rows(asked, "two convolutions", module, module, data, score, into=TwoConvolutions)


def scale_pixels(images: np.ndarray) -> Tensor:
    """Return float32[n, 1, 28, 28] of about mean 0 and deviation 1."""
    return torch.from_numpy((images[:, None].astype(np.float32) / 255 - 0.1307) / 0.3081)


def train_convolutions(batches: list[dict[str, Tensor]], epochs: float) -> nn.Module:
    """Return the net, trained as anybody would: Adam, a rate that falls to nothing."""
    torch.manual_seed(0)
    module = TwoConvolutions()
    steps = round(epochs * len(batches))
    optimizer = torch.optim.AdamW(module.parameters(), 2e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        batch = batches[step * 7919 % len(batches)]  # a prime, so that each comes once an epoch
        functional.cross_entropy(module(**batch), batch["labels"]).backward()
        optimizer.step()
        optimizer.zero_grad()
        falling.step()
    return module.eval()


def list_rows(
    asked: argparse.Namespace,
    name: str,
    module: nn.Module,
    model: Any,
    data: dict[str, Any],
    score: Score,
    into: Callable[[], nn.Module] | None,
) -> Iterator[Row]:
    """Yield the rows of one network: as it came, by each recipe, and by a search."""
    raw_bytes = 4 * sum(parameter.numel() for parameter in module.parameters())

    def load(path: str) -> nn.Module:
        return multum.load_program(path, into=None if into is None else into())

    if not asked.recipes_kept:
        yield {"network": name, "recipe": "", "bytes": raw_bytes, "accuracy": score(module)}
    for words in () if asked.recipes_kept else RECIPES[name]:
        recipe = words.format(distil=asked.distil, gradual=asked.gradual, qat=asked.qat)
        with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
            started_s, path = time.perf_counter(), f"{folder}/small.mtm"
            made = multum.shrink(model, path, recipe=recipe, threads=asked.threads, **data)
            spent_s = time.perf_counter() - started_s
            accuracy = score(load(path))
        row = _tell(name, recipe, made.bytes_after, raw_bytes, accuracy, spent_s)
        yield row | {"told": [line.told for line in made.passes]}
    if asked.search:
        with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
            options = data | {"target_bytes": int(WANTED * raw_bytes), "budget_s": asked.search}
            found = multum.auto_shrink(model, f"{folder}/small.mtm", threads=asked.threads, **options)
            accuracy = score(load(f"{folder}/small.mtm"))
        chosen = found.chosen
        assert chosen.size_bytes is not None, "it became a file"
        row = _tell(name, chosen.recipe, chosen.size_bytes, raw_bytes, accuracy, found.cost_s)
        yield row | {"trials": [point.as_dict() for point in found.points]}


def _tell(name: str, recipe: str, size_bytes: int, raw_bytes: int, accuracy: float, spent_s: float) -> Row:
    return {
        "network": name,
        "recipe": recipe,
        "bytes": size_bytes,
        "share": round(size_bytes / raw_bytes, 5),
        "accuracy": accuracy,
        "seconds": round(spent_s, 1),
    }


def show_table(results: dict[str, Any]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [("network and recipe", "bytes", "of float32", "accuracy on 10,000")]
    for row in sorted(results["rows"], key=lambda row: (row["network"], "trials" in row)):
        made = f": `{row['recipe']}`".replace("|", "\\|") if row["recipe"] else ", as it came"
        if "trials" in row:
            made += f", found by `--auto` in {len(row['trials'])} trials"
        share = f"{row['share']:.2%}" if "share" in row else ""
        lines.append((row["network"] + made, f"{row['bytes']:,}", share, f"{row['accuracy']:.4f}"))
    return make_table(lines)


if __name__ == "__main__":
    raise SystemExit(main())
