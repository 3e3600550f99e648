"""Results of verbs as they print and write them, small, with numbers that are easy to follow."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

from multum.laws.fitting import law

# What a name in a file may be, and must never become more than.
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"{{ 7 * 7 }}"


def make_find(name: str = "found") -> dict[str, Any]:
    """Return what `find --json` prints: two candidates, one of them measured."""
    return {
        "source": "notes.txt",
        "target": "notes.txt.mtm",
        "candidates": [
            {"name": name, "program_bits": 800, "code_bits": 80_000, "total_bits": 81_600, "measured": True},
            {"name": "level 9", "program_bits": 288, "code_bits": 90_000, "total_bits": 90_288, "measured": False},
        ],
        "winner": name,
        "archive_bytes": 10_200,
        "raw_bytes": 40_800,
        "recipe": None,
        "trials": 7,
        "time_s": 1.5,
        "note": None,
    }


def make_shrink(target: str = "small.mtm", after: int = 40_000, loss: float | None = 2.1) -> dict[str, Any]:
    """Return what `shrink --json` prints of a model of 80,000 weights."""
    unit = {"unit": "bits per byte", "count": 1000, "accuracy": None, "macro_f1": None}
    return {
        "source": "run",
        "target": target,
        "weights": 80_000,
        "bytes_before": 320_000,
        "bytes_after": after,
        "loss_before": None if loss is None else unit | {"value": 2.0},
        "loss_after": None if loss is None else unit | {"value": loss},
        "passes": [],
    }


def make_demo() -> dict[str, Any]:
    """Return what `demo --json` prints of one file."""
    row = {"file": "notes.txt", "raw_bytes": 1000, "pack_cpu_s": 0.1, "unpack_cpu_s": 0.1, "verified": True}
    rows = [
        row | {"codec": name, "packed_bytes": size, "bpb": size / 125}
        for name, size in (("xz", 400), ("multum -5", 300))
    ]
    return {"rows": rows, "totals": rows, "skipped": []}


def make_rate(data: str | None = "notes.txt", bpb: float | None = 1.5) -> dict[str, Any]:
    """Return what `bits --json` prints."""
    return {"program": "level:5", "data": data, "raw_bytes": 1000, "code_bits": 1500, "bpb": bpb, "tokens": 1000}


def make_description(parameters: int = 50_000, bpb: float = 2.0, task: str = "bytes") -> dict[str, Any]:
    """Return the multum.json of a fit."""
    history = [{"step": s, "units": 1000 * s, "time_s": 0.1 * s, "bits_per_unit": bpb + 4 / s} for s in (1, 10, 100)]
    run = {
        "units": 100_000,
        "flops": 6.0 * parameters * 100_000,
        "time_s": 10.0,
        "device": "cpu",
        "precision": "float32",
    }
    rate = {"bpb": bpb} if task == "bytes" else {"bits_per_label": bpb}
    report = {"program_bytes": 4 * parameters, "held_out_bytes": 5000} if task == "bytes" else {}
    return {
        "task": task,
        "unit": "byte" if task == "bytes" else "label",
        "law": {"parameters": parameters, "bytes": 100_000, "flops": run["flops"]} | rate,
        "report": report | {"run": run | {"history": history}},
        "versions": {"multum": "0.1.0"},
        "command": "multum fit notes.txt -o run",
    }


def write_fit(folder: Path, **changed: Any) -> Path:
    """Write the folder of a fit, without its weights; return it."""
    folder.mkdir(parents=True)
    (folder / "multum.json").write_text(json.dumps(make_description(**changed)), "utf-8")
    return folder


def make_runs(precise: bool = False) -> list[dict[str, Any]]:
    """Return runs at three budgets that follow a law exactly; with `precise`, each at several bits a weight, too."""
    runs = []
    for flops in (1e12, 1e13, 1e14):
        for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
            n = factor * (flops / 6) ** 0.5 * 0.1
            d = flops / 6 / n
            for bits in (32, 8, 4, 3) if precise else (None,):
                loss = (
                    1.1
                    + 15 / n**0.3
                    + 200 / d**0.4
                    + (0 if bits is None else 0.4 * d**0.2 / n**0.3 * 2.718 ** (-bits / 1.2))
                )
                run: dict[str, Any] = {"run": f"n{n:.0f}", "parameters": n, "bytes": d, "flops": flops, "bpb": loss}
                runs.append(run if bits is None else run | {"post_training_bits": bits})
    return runs


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write JSON lines; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_law(folder: Path, form: str = "chinchilla", precise: bool = False) -> Path:
    """Write points.jsonl and the LAW.json of them into `folder`; return the law's path."""
    write_lines(folder / "points.jsonl", make_runs(precise))
    (folder / "LAW.json").write_text(_fit_law(form, precise), "utf-8")
    return folder / "LAW.json"


@functools.cache
def _fit_law(form: str, precise: bool) -> str:
    """Return the LAW.json of the runs; fitting takes longer than anything else here."""
    with tempfile.TemporaryDirectory() as name:
        points = write_lines(Path(name) / "points.jsonl", make_runs(precise))
        law([str(points)], Path(name) / "LAW.json", form=form, resamples=10)
        return (Path(name) / "LAW.json").read_text("utf-8")
