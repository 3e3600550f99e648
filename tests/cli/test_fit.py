"""`multum fit`: the options, what it says and where, and how it dies and is resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

from tests.cli.transcripts import play

DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
QUICK = "--params 10k --window 32 --batch 512 -T 1 --device cpu --precision float32"
PATIENCE_S = 120


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    Path("data").write_bytes(DATA)


def test_the_rate_is_on_stdout_and_the_talk_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    got = play(f"multum fit data -o run {QUICK} --tokens 10k -v", monkeypatch)
    assert got.code == 0
    rate, unit = got.stdout.split()[1:4:2]
    assert got.stdout.startswith("run: ")
    assert (float(rate) < 8, unit) == (True, "per")
    assert "parameters, 10,240 bytes in 20 steps" in got.stderr
    assert "float32 on cpu" in got.stderr


def test_json_has_the_report_and_agrees_with_multum_json(monkeypatch: pytest.MonkeyPatch) -> None:
    got = play(f"multum fit data -o run {QUICK} --flops 1e9 --json -q", monkeypatch)
    told = json.loads(got.stdout)
    assert got.stderr == ""
    assert told["run"]["flops"] == pytest.approx(1e9, rel=0.05)
    assert json.loads(Path("run/multum.json").read_text())["report"] == told


def test_standard_input_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    assert play(f"multum fit - -o run {QUICK} --tokens 1k -q < data", monkeypatch).code == 0
    told = json.loads(Path("run/multum.json").read_text())
    assert told["data"]["training"][0]["files"] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("multum fit data", "Missing option '-o' / '--output'"),
        ("multum fit data -o run --params many", "'many' is not a number; write for instance 300k, 1M or 1.5B"),
        ("multum fit data -o run --budget soon", "'soon' is not a time; write for instance 90s, 10m or 1.5h"),
        ("multum fit data -o run --budget 1m --tokens 1k", "a budget is time, units or FLOPs, one of them"),
        ("multum fit data -o run --architecture eliza", "there is no architecture 'eliza'"),
        ("multum fit data -o run --resume", "'run' has no checkpoint to resume"),
        ("multum fit data -o data", "target 'data' is a file; name a folder"),
        ("multum fit none -o run", "none: No such file or directory"),
        ("multum fit empty -o run", "there are 0 bytes to learn from; a fit needs 4,096 at least"),
        ("multum fit data -o run --epochs 3", "--epochs is for --task labels"),
        ("multum fit --task labels data -o run --params 1M", "--params is for --task bytes"),
        ("multum fit data -o run --device abacus", "device 'abacus'"),
        ("multum fit data -o run --init .", "'.' is not a program: it has no config.json"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(line: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("empty").write_bytes(b"")
    got = play(line, monkeypatch)
    assert (got.code, got.stdout) == (1, "")
    assert said in got.stderr
    assert len(got.stderr.splitlines()) == 1
    assert not Path("run").exists()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # what Python does to forbid an import
    got = play("multum fit data -o run", monkeypatch)
    assert got.code == 1
    assert "pip install 'multum[learn]'" in got.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_how_to_resume_and_kills(number: signal.Signals, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "multum", "fit", "data", "-o", "run", *QUICK.split(), "--tokens", "60k"]
    process = subprocess.Popen([*words, "--tokens", "600k"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end_s = time.monotonic() + PATIENCE_S
    while not Path("run/runs").exists() and time.monotonic() < end_s:
        time.sleep(0.02)
    process.send_signal(number)
    printed, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -number
    assert printed == ""
    assert "everything is saved in 'run'; go on with: multum fit data -o run" in said
    assert said.rstrip().endswith("--resume")
    assert "Traceback" not in said
    resumed = subprocess.run(
        [*words, "--tokens", "600k", "--resume"], capture_output=True, text=True, check=False, env=os.environ
    )
    assert resumed.returncode == 0, resumed.stderr
    assert not Path("run/checkpoint.safetensors").exists()
