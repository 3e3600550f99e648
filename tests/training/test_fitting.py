"""`fit` learns, writes what transformers loads, knows its rate, and leaves nothing half-written."""

import hashlib
import io
import json
import math
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import multum
from multum.errors import FormatError, UsageError
from multum.training.checkpoints import CHECKPOINT
from multum.training.interruption import Interrupted
from multum.training.trainer import Moment

# Order 0 needs 3.2 bits a byte for it; whoever learns the words and that they come in turn needs far less.
DATA = b"".join(b"%d much in little, little in much; " % (number % 10) for number in range(1500))
SMALL: dict[str, Any] = {
    "parameters": 10_000,
    "window": 32,
    "batch": 512,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


def fit(data: Any, out: Path, **options: Any) -> multum.FitReport:
    return multum.fit(data, out, **SMALL | {"tokens": 20_000} | options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def equal(first: Path, second: Path) -> bool:
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_program_learns_the_structure_of_its_data(data: Path, tmp_path: Path) -> None:
    report = fit(data, tmp_path / "run", tokens=150_000)
    assert report.rate_bpb < 0.8
    assert report.training_bytes + report.held_out_bytes == len(DATA)
    assert report.law == {
        "parameters": report.parameters,
        "bytes": report.run.units,
        "flops": report.run.flops,
        "bpb": report.rate_bpb,
    }
    assert report.ledger.rate_bpb is not None


def test_transformers_loads_it_and_finds_the_same_rate(data: Path, tmp_path: Path) -> None:
    report = fit(data, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "multum.json",
        "runs",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run")
    held_out = DATA[report.training_bytes :]
    ids = torch.tensor(tokenizer(held_out.decode()).input_ids)
    assert bytes(ids.tolist()) == held_out
    nats, done, half = 8 * math.log(2), 1, report.window // 2
    with torch.no_grad():
        for end in [*range(report.window, len(ids), half), len(ids)]:
            piece = ids[max(0, done - half) if done > 1 else 0 : end][None]
            lost = torch.nn.functional.cross_entropy(model(piece).logits[0, :-1], piece[0, 1:], reduction="none")
            nats += float(lost[done - end :].sum())
            done = end
    assert report.rate_bpb == pytest.approx(nats / math.log(2) / len(held_out), abs=1e-5)


def test_bits_agrees_with_what_fit_says(data: Path, tmp_path: Path) -> None:
    report = fit(data, tmp_path / "run")
    (tmp_path / "rest").write_bytes(DATA[report.training_bytes :])
    window = report.window
    rated = multum.code_bits(tmp_path / "run", tmp_path / "rest", window=window, overlap=window // 2)
    assert rated.bpb == pytest.approx(report.rate_bpb, abs=1e-5)


def test_multum_json_tells_data_law_ledger_and_versions(data: Path, tmp_path: Path) -> None:
    report = fit(data, tmp_path / "run", seed=3)
    told = json.loads((tmp_path / "run" / "multum.json").read_text())
    assert told["task"] == "bytes"
    assert told["data"]["training"][0]["digest"] == hashlib.sha256(DATA).hexdigest()
    assert told["law"] == report.law
    assert told["ledger"]["basis"] == "estimated"
    assert told["ledger"]["program_bits"] == 8 * report.program_bytes
    assert told["options"]["seed"] == 3
    assert told["versions"]["multum"] == multum.__version__
    assert told["report"]["run"]["history"]


def test_one_seed_gives_one_program_whatever_the_threads(data: Path, tmp_path: Path) -> None:
    for name, options in {"a": {}, "b": {}, "c": {"seed": 1}}.items():
        fit(data, tmp_path / name, **options)
    assert equal(tmp_path / "a", tmp_path / "b")
    assert not equal(tmp_path / "a", tmp_path / "c")
    beside = fit(data, tmp_path / "d", threads=2)
    assert beside.rate_bpb == pytest.approx(fit(data, tmp_path / "e").rate_bpb, abs=1e-3)


def test_folders_archives_and_streams_are_data_too(data: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "1").write_bytes(DATA[:20_000])
    (tmp_path / "folder" / "2").write_bytes(DATA[20_000:])
    multum.pack(data, tmp_path / "data.mtm", level=1)
    fit(data, tmp_path / "plain")
    for number, source in enumerate([tmp_path / "folder", tmp_path / "data.mtm", io.BytesIO(DATA)]):
        fit(source, tmp_path / str(number))
        assert equal(tmp_path / "plain", tmp_path / str(number))


def test_held_out_may_be_a_file_of_its_own(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(DATA[:3000])
    report = fit(data, tmp_path / "run", held_out=tmp_path / "other")
    assert (report.training_bytes, report.held_out_bytes) == (len(DATA), 3000)


def test_a_program_is_trained_further(data: Path, tmp_path: Path) -> None:
    first = fit(data, tmp_path / "first")
    second = fit(data, tmp_path / "second", init=str(tmp_path / "first"))
    assert second.parameters == first.parameters
    assert second.run.history[0]["bits_per_unit"] < first.run.history[0]["bits_per_unit"]
    assert second.rate_bpb < first.rate_bpb


@pytest.mark.parametrize("stopped_at", [1, 20])
def test_an_interrupted_fit_is_resumed_to_the_same_program(data: Path, tmp_path: Path, stopped_at: int) -> None:
    def interrupt(moment: Moment) -> None:
        if moment.step == stopped_at:
            os.kill(os.getpid(), signal.SIGINT)

    whole = fit(data, tmp_path / "whole", dropout=0.1)
    with pytest.raises(Interrupted, match="everything is saved in"):
        fit(data, tmp_path / "torn", dropout=0.1, progress=interrupt)
    assert [path.name for path in (tmp_path / "torn").iterdir() if path.name != "runs"] == [CHECKPOINT]
    torn = fit(data, tmp_path / "torn", dropout=0.1, resume=True)
    assert torn.rate_bpb == whole.rate_bpb
    assert equal(tmp_path / "whole", tmp_path / "torn")
    assert not (tmp_path / "torn" / CHECKPOINT).exists()


def test_a_fit_on_other_data_is_not_resumed(data: Path, tmp_path: Path) -> None:
    def interrupt(moment: Moment) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="stopped at step 1"):
        fit(data, tmp_path / "run", progress=interrupt)
    data.write_bytes(DATA[::-1])
    with pytest.raises(UsageError, match="is of another run: its data is"):
        fit(data, tmp_path / "run", resume=True)


def test_there_must_be_a_checkpoint_to_resume(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no checkpoint to resume; start again without --resume"):
        fit(data, tmp_path / "run", resume=True)


def test_a_folder_that_is_there_is_kept_unless_forced(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "notes").write_text("mine")
    with pytest.raises(UsageError, match=r"exists and is not empty; .*-f \(force=True\)"):
        fit(data, out)
    fit(data, out, force=True)
    assert (out / "notes").read_text() == "mine"
    assert (out / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there are 0 bytes to learn from; a fit needs 4,096 at least"),
        (b"tiny", "there are 4 bytes to learn from"),
    ],
)
def test_too_little_data_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        fit(tmp_path / "data", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"architecture": "eliza"}, "there is no architecture 'eliza'; choose one of llama, recurrent"),
        ({"parameters": 3}, "3 parameters are out of range"),
        ({"time_s": 1.0}, "a budget is time, units or FLOPs, one of them"),
        ({"dropout": 1.0}, "dropout is 1.0; allowed is 0 to 1"),
        ({"window": 0}, "window is 0; allowed is more than 0"),
        ({"threads": -1}, "-1 threads"),
        ({"window": 10**6}, "a fit needs 2,000,002 at least"),
        ({"init": "nowhere/at/all"}, "there is no program 'nowhere/at/all'"),
    ],
)
def test_options_that_cannot_be_are_refused(data: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        fit(data, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_start_must_be_a_program_over_bytes(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match=r"is not a program: it has no config\.json"):
        fit(data, tmp_path / "run", init=str(tmp_path / "empty"))
    fit(data, tmp_path / "first", tokens=512)
    config = json.loads((tmp_path / "first" / "config.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "first")
    model.resize_token_embeddings(config["vocab_size"] + 8)
    model.save_pretrained(tmp_path / "wider")
    (tmp_path / "wider" / "tokenizer.json").write_bytes((tmp_path / "first" / "tokenizer.json").read_bytes())
    with pytest.raises(UsageError, match="predicts 264 tokens, not the 256 bytes"):
        fit(data, tmp_path / "run", init=str(tmp_path / "wider"))


@pytest.fixture
def _little_disk(data: Path) -> Iterator[None]:
    """Let no file grow beyond 70,000 bytes once the data is there; weights and checkpoint are larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("checkpoint_s", [0.0, 1e9], ids=["at the checkpoint", "at the end"])
@pytest.mark.usefixtures("_little_disk")
def test_a_full_disk_leaves_nothing_half_written(data: Path, tmp_path: Path, checkpoint_s: float) -> None:
    with pytest.raises(OSError, match="File too large"):
        fit(data, tmp_path / "run", checkpoint_s=checkpoint_s, parameters=30_000, tokens=2_000)
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").glob("*.*"))
    assert not list(tmp_path.glob(".multum-*"))


def test_a_recurrent_program_learns_and_loads_too(data: Path, tmp_path: Path) -> None:
    report = fit(data, tmp_path / "run", architecture="recurrent", tokens=40_000)
    assert (report.architecture, report.rate_bpb < 2.5) == ("mamba2", True)
    (tmp_path / "rest").write_bytes(DATA[report.training_bytes :])
    window = report.window
    rated = multum.code_bits(tmp_path / "run", tmp_path / "rest", window=window, overlap=window // 2)
    assert rated.bpb == pytest.approx(report.rate_bpb, abs=1e-5)
    further = fit(data, tmp_path / "further", init=str(tmp_path / "run"), tokens=4_000)
    assert further.architecture == "mamba2"


def test_a_stream_is_not_divided_among_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="a stream goes to one process"):
        fit(io.BytesIO(DATA), tmp_path / "run")
