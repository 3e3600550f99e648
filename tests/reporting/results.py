"""Results of verbs as they print and write them, small, with numbers that are easy to follow."""

import json
import math
from pathlib import Path
from typing import Any

from multum.laws.law import HoldOut, Law, RunnerUp
from multum.reporting.content import Drawn, Material, Reading
from multum.reporting.documents import Source, read_documents
from multum.reporting.sections import list_kinds

# What a name in a file may be, and must never become more than.
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>\"{{ 7 * 7 }}"
# What was read for its surprise, and drawn.
READ = "much in little,\nlittle in much\n" + HOSTILE

# Form -> (formula, parameters in its order); `make_runs` follows the first, or the last.
LAWS = {
    "chinchilla": ("E + A / N**alpha + B / D**beta", {"E": 1.1, "A": 15.0, "alpha": 0.3, "B": 200.0, "beta": 0.4}),
    "kaplan-n": ("(Nc / N)**alpha", {"Nc": 1e13, "alpha": 0.05}),
    "precision": (
        "E + A / N**alpha + B / D**beta + K * exp(-Q / gQ)",
        {"E": 1.1, "A": 15.0, "alpha": 0.3, "B": 200.0, "beta": 0.4, "K": 0.5, "gQ": 1.2},
    ),
}


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


def make_search() -> dict[str, Any]:
    """Return what `shrink --auto --json` prints: three files and a failure."""
    names = ("number", "recipe", "bits", "size_bytes", "loss", "accuracy", "seconds", "why")
    rows = (
        (0, "code", 4.0, 40_000, 2.1, 0.9, 0.02, ""),
        (1, "prune=surgeon:0.5 | code", 4.0, 40_100, 2.4, 0.8, 0.02, ""),
        (2, "code", 2.0, 20_000, 2.3, 0.85, 0.02, ""),
        (3, "qat=4 | code", 4.0, None, None, None, None, "no"),
    )
    points = [dict(zip(names, row, strict=True)) for row in rows]
    return {
        "source": "run",
        "goal": {"bytes": 50_000, "loss": None, "accuracy": None, "latency": None},
        "unit": "bits per label",
        "bytes_before": 320_000,
        "loss_before": 2.0,
        "points": points,
        "frontier": [points[2], points[0]],
        "chosen": points[0],
    }


def make_shrink(
    target: str = "small.mtm", after: int = 40_000, loss: float | None = 2.1, passes: tuple[str, ...] = ("code",)
) -> dict[str, Any]:
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
        "passes": [{"name": name} for name in passes],
    }


def make_formula(exact: bool = True) -> dict[str, Any]:
    """Return what `discover formula --json` prints of a column of 1,000 bits, or with half of them left."""
    entries = [{"formula": "x0", "program_bits": 10.0, "residual_bits": 800.0, "error": 1.0}]
    entries += [{"formula": "x0**2", "program_bits": 30.0, "residual_bits": 0.0 if exact else 500.0, "error": 0.25}]
    told = {"target": "y", "exact": exact, "raw_bits": 1000.0, "checked_rows": 1234, "frontier": entries}
    return told | entries[-1]


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


def make_plan(notes: str = "a note") -> dict[str, Any]:
    """Return what `plan --json` prints of a budget of bytes."""
    return {
        "N": 1e5,
        "D": 7e6,
        "epochs": 0.07,
        "bits": 8.0,
        "loss": 1.92,
        "low": 1.91,
        "high": 1.93,
        "half": 1.95,
        "double": 1.94,
        "N_low": None,
        "N_high": None,
        "compute": 4e12,
        "method": "search",
        "unit": "bits",
        "extrapolated": True,
        "account": {"n": 1e5, "d": 7e6, "bits": 8.0, "program_bytes": 1e5, "code_bytes": 2.4e7},
        "crossover_bytes": 6.7e6,
        "notes": [notes],
    }


def make_prediction(form: str = "chinchilla") -> dict[str, Any]:
    """Return what `predict --json` prints of two runs that came to something."""
    row = {"predicted": 2.0, "low": 1.9, "high": 2.1, "extrapolated": False, "actual": 2.05}
    rows = [row, row | {"predicted": 1.5, "low": 1.3, "high": 1.7, "extrapolated": True, "actual": 1.6}]
    return {"law": form, "unit": "bits", "rows": rows, "error": 0.04, "coverage": 1.0, "notes": []}


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
                rounding = 0.0 if bits is None else 0.5 * math.exp(-bits / 1.2)
                loss = 1.1 + 15 / n**0.3 + 200 / d**0.4 + rounding
                run: dict[str, Any] = {"run": f"n{n:.0f}", "parameters": n, "bytes": d, "flops": flops, "bpb": loss}
                runs.append(run if bits is None else run | {"post_training_bits": bits})
    return runs


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write JSON lines; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_law(folder: Path, form: str = "chinchilla", precise: bool = False) -> Path:
    """Write points.jsonl and a LAW.json that they follow into `folder`; return the law's path. Fitting takes longer."""
    runs = make_runs(precise)
    write_lines(folder / "points.jsonl", runs)
    formula, parameters = LAWS[form]
    columns = [("N", "parameters"), ("D", "bytes"), ("compute", "flops"), ("Q", "post_training_bits")]
    values = {name: [run[field] for run in runs] for name, field in columns if field in runs[0]}
    named = [name for name in values if name == "compute" or name in formula]
    law = Law(
        form=form,
        formula=formula,
        floor=None,
        parameters=parameters,
        standard_errors={name: value / 10 for name, value in parameters.items()},
        intervals={name: (0.9 * value, 1.1 * value) for name, value in parameters.items()},
        expected=parameters,
        objective=0.001,
        delta=0.001,
        bits=-100.0,
        points=len(runs),
        error=0.001,
        target="bpb",
        unit="bits",
        amounts="bytes",
        ranges={name: (min(values[name]), max(values[name])) for name in named},
        draws=[[share * value for value in parameters.values()] for share in (0.99, 1.0, 1.01)],
        noise=0.002,
        drift=0.001,
        holdout=HoldOut("largest:20%", 3, 0.004, 1.0, 10.0),
        runners_up=(RunnerUp("kaplan", 12.5, 0.02, None),),
    )
    law.write(folder / "LAW.json", force=True)
    return folder / "LAW.json"


def make_material(folder: Path) -> Material:
    """Return what every section is made of, with hostile names wherever a file can have one; writes into `folder`."""
    write_law(folder, form="precision", precise=True)
    write_fit(folder / "run")
    sources: list[Source] = [
        folder,
        make_find(HOSTILE),
        make_shrink(),
        make_shrink(HOSTILE, 20_000, 2.4),
        make_demo(),
        make_formula(),
        make_rate(HOSTILE),
        make_plan(HOSTILE),
        make_prediction(HOSTILE),
    ]
    data = READ.encode()
    bits = [float(number % 10) for number in range(len(data))]
    return Material(
        tuple(read_documents(sources, list_kinds())),
        (Reading(HOSTILE, HOSTILE, data, bits, 5), Reading("level:5", "a.txt", data, bits, 0)),
        (Drawn("run", data, 0), Drawn(HOSTILE, data, 0)),
        HOSTILE,
        (HOSTILE,),
    )
