"""Parts ranked by what they surprise."""

import json
from pathlib import Path

import numpy as np
import pytest

import multum
from multum import UsageError
from multum.similarity.parts import cut_parts
from multum.similarity.surprise import rate_parts
from tests.cli.transcripts import play

FOREIGN = b"kernel panic: cannot mount the root device\n"


def make_log(lines: int = 300) -> list[bytes]:
    generator = np.random.default_rng(3)
    rows = zip(generator.integers(0, 24, lines), generator.integers(1000, 9999, lines), strict=True)
    return [b"12:%02d [notice] worker %d finished its request\n" % row for row in rows]


def plant(places: tuple[int, ...] = (40, 211)) -> bytes:
    """Return the log with foreign lines, which then have these numbers."""
    lines = make_log()
    for place in places:
        lines.insert(place - 1, FOREIGN)
    return b"".join(lines)


def test_foreign_lines_surprise_most() -> None:
    report = multum.surprise(plant(), top=3)
    assert {part.number for part in report.parts[:2]} == {40, 211}
    assert report.parts[0].text == FOREIGN.rstrip()
    assert report.parts[0].rate > 2 * report.parts[2].rate
    assert (report.count, report.raw_bytes, len(report.rates)) == (302, len(plant()), 302)


def test_the_span_that_surprised_most_is_told() -> None:
    lines = make_log()
    lines[100] = lines[100][:-1] + b" with a core dump in /var/crash/core.77\n"
    (part,) = multum.surprise(b"".join(lines), top=1).parts
    assert part.number == 101
    assert b"core dump" in part.text[part.span_start : part.span_end]
    assert part.span_end - part.span_start == 32


def test_records_and_blocks_are_parts_too() -> None:
    generator = np.random.default_rng(0)
    rows = np.stack([np.arange(900), 7 * np.arange(900) % 50, generator.integers(0, 4, 900)], 1).astype("<u4")
    rows[333] = generator.integers(0, 2**32, 3)
    raw = rows.tobytes()
    assert multum.surprise(raw, unit="12", top=1).parts[0].number == 334
    (part,) = multum.surprise(raw, unit="record", top=1).parts
    assert part.offset <= 12 * 333 < part.offset + part.size_bytes


def test_a_program_that_is_named_tells_the_bits(tmp_path: Path) -> None:
    raw = plant()
    report = multum.surprise(raw, program="level:3", top=2)
    assert report.program == "level:3"
    assert 40 in {part.number for part in report.parts}
    bits = tmp_path / "bits.npy"
    multum.code_bits("level:3", raw, per_byte=bits)
    np.testing.assert_allclose(rate_parts(np.load(bits).astype(float), cut_parts(raw, "line")), report.rates)


def test_parts_are_written_in_their_order(tmp_path: Path) -> None:
    target = tmp_path / "parts.jsonl"
    multum.surprise(plant(), target, top=1)
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert len(rows) == 302
    assert rows == sorted(rows, key=lambda row: -row["rate"])
    with pytest.raises(UsageError, match=r"parts\.jsonl.*exists"):
        multum.surprise(plant(), target)


@pytest.mark.parametrize(
    ("data", "unit", "starts"),
    [
        (b"a\nbc\n", "line", [0, 2, 5]),
        (b"a\nbc", "line", [0, 2, 4]),
        (b"", "line", [0]),
        (b"abcde", "2", [0, 2, 4, 5]),
        (b"abcd", "2 bytes", [0, 2, 4]),
    ],
)
def test_data_are_cut_without_gaps(data: bytes, unit: str, starts: list[int]) -> None:
    assert cut_parts(data, unit).tolist() == starts


@pytest.mark.parametrize(
    ("data", "unit", "message"),
    [
        (b"one line\n", "line", "the data are 1 part; by line two at least"),
        (b"", "line", "the data are 0 part"),
        (b"a\nb\n", "paragraph", "unit 'paragraph' is unknown; units are line, record"),
        (b"a\nb\n", "0", "unit '0' is unknown"),
        (b"much in little " * 20, "record", "no records of equal length"),
    ],
)
def test_what_has_no_parts_is_refused(data: bytes, unit: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multum.surprise(data, unit=unit)


def test_the_command_marks_the_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.log").write_bytes(plant((40,)))
    got = play("multum surprise a.log --top 1", monkeypatch)
    assert (got.code, got.stdout.count("\n")) == (0, 1)
    assert "line 40" in got.stdout
    assert "[[" in got.stdout
    assert "301 parts" in got.stderr
    (part,) = map(json.loads, play("multum surprise a.log --top 1 --json", monkeypatch).stdout.splitlines())
    assert (part["number"], part["text"]) == (40, FOREIGN.decode().strip())
    got = play("multum surprise a.log --unit word", monkeypatch)
    assert (got.code, "unit 'word'" in got.stderr) == (1, True)
